// Saved tools: a list of {slug, name} in this browser's storage. Pages work without it; the
// buttons that it serves are hidden until it runs.

const KEY = "saved-tools";

/** The saved tools, oldest first. Storage may be forbidden, full or written by somebody else. */
function read() {
  try {
    const saved = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(saved) ? saved.filter(tool => typeof tool?.slug === "string") : [];
  } catch {
    return [];
  }
}

function toggle(tool) {
  const saved = read();
  const others = saved.filter(({slug}) => slug !== tool.slug);
  const next = others.length === saved.length ? [...saved, tool] : others;
  try {
    localStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // Nothing can be kept here: the buttons go on showing what is true.
  }
  show();
}

function show() {
  const saved = read();
  const slugs = new Set(saved.map(({slug}) => slug));
  for (const button of document.querySelectorAll("[data-save]")) {
    const isSaved = slugs.has(button.dataset.save);
    button.hidden = false;
    button.textContent = isSaved ? "Saved" : "Save";
    button.setAttribute("aria-label", `${button.textContent} ${button.dataset.name}`);
    button.setAttribute("aria-pressed", isSaved);
  }
  for (const count of document.querySelectorAll("[data-saved-count]")) {
    count.textContent = saved.length ? ` ${saved.length}` : "";
  }
  showDrawer(saved);
}

function showDrawer(saved) {
  document.querySelector("[data-saved-empty]").hidden = saved.length > 0;
  document.querySelector("[data-saved-list]").replaceChildren(...saved.map(({slug, name}) => {
    const link = document.createElement("a");
    link.href = `/tools/${encodeURIComponent(slug)}/`;
    const text = document.createElement("bdi");
    text.textContent = name || slug;
    link.append(text);
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "save";
    remove.dataset.remove = slug;
    remove.textContent = "Remove";
    remove.setAttribute("aria-label", `Remove ${name || slug}`);
    const item = document.createElement("li");
    item.append(link, remove);
    return item;
  }));
}

/** Fill the page of saved tools with the cards that the server draws. */
async function fillPage(frame) {
  const saved = read();
  const part = name => document.querySelector(`[data-saved-page-${name}]`);
  part("error").hidden = true;
  part("empty").hidden = saved.length > 0;
  if (!saved.length) {
    frame.replaceChildren();
    return;
  }
  const query = new URLSearchParams(saved.map(({slug}) => ["tool", slug]));
  try {
    const answer = await fetch(`${frame.dataset.savedPage}?${query}`);
    if (!answer.ok) throw new Error(answer.status);
    frame.innerHTML = await answer.text();
    show();
  } catch {
    part("error").hidden = false;
  }
}

const drawer = document.getElementById("saved");
const frame = document.querySelector("[data-saved-page]");

document.addEventListener("click", event => {
  const save = event.target.closest("[data-save]");
  const remove = event.target.closest("[data-remove]");
  if (save) toggle({slug: save.dataset.save, name: save.dataset.name});
  if (remove) toggle({slug: remove.dataset.remove});
  const opener = event.target.closest("[data-open-saved]");
  const plainClick = !event.metaKey && !event.ctrlKey && !event.shiftKey && event.button === 0;
  if (opener && plainClick && !frame) {
    event.preventDefault();
    drawer.showModal();
  }
  // A click on the dialog itself, not on what is in it, is a click on the dimmed page behind.
  if (event.target === drawer || event.target.closest("[data-close-saved]")) drawer.close();
});

// Another tab may save or remove as well.
addEventListener("storage", event => {
  if (event.key !== KEY) return;
  show();
  if (frame) fillPage(frame);
});

show();
if (frame) fillPage(frame);
