// On an edition's page: acts work with what is saved, so a page with unsaved words says so.

const words = document.getElementById("edition_form");
const note = document.querySelector(".unsaved");
if (words && note) {
  words.addEventListener("input", () => {
    note.hidden = false;
  });
}
