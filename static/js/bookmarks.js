// Saved tools: a list of {slug, name} in this browser's storage. Pages work without it; the
// buttons that it serves are hidden until it runs.

const KEY = "saved-tools";
const AT_ONCE = 30; // cards asked for in one request, so that its address stays short

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
    button.toggleAttribute("data-saved", isSaved);
  }
  for (const count of document.querySelectorAll("[data-saved-count]")) {
    count.textContent = saved.length ? ` ${saved.length}` : "";
  }
  showDrawer(saved);
}

/** A saved tool in a list, with a button that takes it off; a link where its page may exist. */
function row({slug, name}, linked) {
  const text = document.createElement("bdi");
  text.textContent = name || slug;
  const title = document.createElement(linked ? "a" : "span");
  if (linked) title.href = `/tools/${encodeURIComponent(slug)}/`;
  title.append(text);
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "save";
  remove.dataset.remove = slug;
  remove.textContent = "Remove";
  remove.setAttribute("aria-label", `Remove ${name || slug}`);
  const item = document.createElement("li");
  item.append(title, remove);
  return item;
}

function showDrawer(saved) {
  document.querySelector("[data-saved-empty]").hidden = saved.length > 0;
  document.querySelector("[data-saved-list]").replaceChildren(...saved.map(tool => row(tool, true)));
}

/** Fill the page of saved tools with the cards that the server draws. */
async function fillPage(frame) {
  const saved = read();
  const part = name => document.querySelector(`[data-saved-page-${name}]`);
  part("error").hidden = true;
  part("gone").hidden = true;
  part("empty").hidden = saved.length > 0;
  try {
    const pieces = [];
    for (let first = 0; first < saved.length; first += AT_ONCE) {
      const some = saved.slice(first, first + AT_ONCE).map(({slug}) => ["tool", slug]);
      const answer = await fetch(`${frame.dataset.savedPage}?${new URLSearchParams(some)}`);
      if (!answer.ok) throw new Error(answer.status);
      pieces.push(await answer.text());
    }
    frame.innerHTML = pieces.join("");
    const shown = new Set([...frame.querySelectorAll("[data-save]")].map(({dataset}) => dataset.save));
    const gone = saved.filter(({slug}) => !shown.has(slug));
    part("gone").hidden = gone.length === 0;
    part("gone").querySelector("ul").replaceChildren(...gone.map(tool => row(tool, false)));
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
  if (remove) {
    toggle({slug: remove.dataset.remove});
    if (frame) fillPage(frame);
  }
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
