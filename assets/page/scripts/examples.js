// Queries to start from: a click on one tells Python which.
export function mount({ trigger, on }) {
  on("click", (event) => {
    const target = event.target.closest("[data-kind]");
    if (target) trigger("select", { kind: target.dataset.kind, index: Number(target.dataset.index) });
  });
}
