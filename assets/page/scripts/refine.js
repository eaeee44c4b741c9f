// On a narrow screen the controls below the query are folded away behind a button.
export function mount({ on }) {
  on("click", (event) => {
    const button = event.target.closest("button");
    if (button) button.setAttribute("aria-expanded", document.querySelector("#refine").classList.toggle("open"));
  });
}
