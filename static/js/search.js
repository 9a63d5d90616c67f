// Suggestions below a search box, after the ARIA combobox pattern (list autocomplete with manual
// selection). The form works without it: this adds a list and nothing that a reader would miss.

const WAIT = 150; // milliseconds without a key, before the server is asked

function enhance(form) {
  const input = form.querySelector("input[type=search]");
  const list = document.createElement("ul");
  list.className = "suggestions";
  list.id = `${input.id}-suggestions`;
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Suggestions");
  const status = document.createElement("p");
  status.className = "visually-hidden";
  status.setAttribute("role", "status");
  form.append(list, status);
  for (const [name, value] of Object.entries({
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": list.id,
  })) input.setAttribute(name, value);

  let active = -1;
  let asked = 0; // the number of the newest question; an answer to an older one is ignored
  let timer;

  const options = () => [...list.children];

  function activate(index) {
    active = index;
    options().forEach((option, at) => option.setAttribute("aria-selected", at === index));
    const option = options()[index];
    if (option) {
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({block: "nearest"});
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  }

  function toggle(open) {
    list.hidden = !open;
    input.setAttribute("aria-expanded", open);
    activate(-1);
  }

  function close() {
    clearTimeout(timer);
    asked += 1;
    toggle(false);
    status.textContent = "";
  }

  function show(suggestions) {
    list.replaceChildren(...suggestions.map(({name, address, note}, at) => {
      const option = document.createElement("li");
      option.id = `${list.id}-${at}`;
      option.dataset.address = address;
      option.setAttribute("role", "option");
      const title = document.createElement("bdi");
      title.textContent = name;
      const label = document.createElement("span");
      label.className = "label";
      label.textContent = note;
      option.append(title, label);
      return option;
    }));
    toggle(suggestions.length > 0);
    const count = suggestions.length;
    status.textContent = count === 1 ? "1 suggestion" : `${count || "No"} suggestions`;
  }

  async function ask() {
    const question = input.value.trim();
    if (!question) return close();
    const number = ++asked;
    try {
      const answer = await fetch(`${form.dataset.suggestions}?${new URLSearchParams({q: question})}`);
      if (!answer.ok) throw new Error(answer.status);
      const {suggestions} = await answer.json();
      if (number === asked) show(suggestions);
    } catch {
      // Suggestions are an extra; the form still searches.
      if (number === asked) close();
    }
  }

  function move(step) {
    if (list.hidden) {
      if (options().length && input.value.trim()) toggle(true);
      else return ask();
    }
    const count = options().length;
    // One place before the first stands for the box itself, as the pattern has it.
    activate((active + 1 + step + count + 1) % (count + 1) - 1);
  }

  const keys = {
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Escape: () => list.hidden ? false : close(),
    Enter: () => active < 0 ? false : location.assign(options()[active].dataset.address),
    Home: () => caret(0),
    End: () => caret(input.value.length),
    Tab: () => (close(), false),
  };

  function caret(position) {
    if (active < 0) return false;
    activate(-1);
    input.setSelectionRange(position, position);
  }

  input.addEventListener("keydown", event => {
    const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.isComposing;
    if (plain && keys[event.key] && keys[event.key]() !== false) event.preventDefault();
  });
  input.addEventListener("input", () => {
    clearTimeout(timer);
    asked += 1;
    timer = setTimeout(ask, WAIT);
  });
  // The box keeps the focus while an option is pressed, so that the list is still there.
  list.addEventListener("mousedown", event => event.preventDefault());
  list.addEventListener("click", event => {
    const option = event.target.closest("[role=option]");
    if (option) location.assign(option.dataset.address);
  });
  input.addEventListener("blur", close);
  form.addEventListener("submit", close);
}

document.querySelectorAll("form[data-suggestions]").forEach(enhance);
