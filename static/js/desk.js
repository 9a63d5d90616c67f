/* A box that searches says what it is for: select2 does not know the label of its field. */
django.jQuery(() => {
  for (const select of document.querySelectorAll("select.admin-autocomplete")) {
    const label = document.querySelector(`label[for="${select.id}"]`);
    const chosen = document.getElementById(`select2-${select.id}-container`);
    if (!label || !chosen) continue;
    label.id = `${select.id}_label`;
    chosen.setAttribute("aria-labelledby", label.id);
    chosen.closest("[role=combobox]").setAttribute("aria-labelledby", `${label.id} ${chosen.id}`);
  }
});
