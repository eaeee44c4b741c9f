// A piece of HTML whose buttons tell Python what they are.
export function mount({ trigger, on }) {
  on("click", (event) => {
    const target = event.target.closest("[data-action]");
    if (target) trigger("select", { action: target.dataset.action, id: Number(target.dataset.id) });
  });
}
