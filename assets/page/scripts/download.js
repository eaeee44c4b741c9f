// A CSV that Python sent as text becomes a file in the visitor's downloads.
const KEPT_FOR = 10_000; // milliseconds

// The mark at the start tells a spreadsheet that the text is UTF-8; Blob writes it as three bytes.
export const csvBlob = (text) => new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" });

export function mount({ props, watch }) {
  watch("value", () => {
    const file = props.value;
    if (!file?.text) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(csvBlob(file.text));
    link.download = file.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), KEPT_FOR);
  });
}
