// On an edition's page: acts work with what is saved, so unsaved words hold them up and are told; and
// an edition that is due is looked at again until it has started.

const words = document.getElementById("edition_form");
const acts = document.getElementById("next");
const note = document.querySelector(".unsaved");
if (words && acts) {
  words.addEventListener("input", () => {
    note.hidden = false;
  });
  acts.addEventListener("submit", (event) => {
    if (note.hidden) return;
    event.preventDefault();
    words.querySelector("[name=_continue]").focus();
  });
}
if (acts?.hasAttribute("data-due")) setTimeout(() => location.reload(), 4000);
