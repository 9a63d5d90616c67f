// Shows below a textarea how its Markdown will look to readers. The server renders it, by the same
// code that renders the page; only what it has made safe is put into this one.

const WAIT = 300; // milliseconds without a key, before the server is asked

function enhance(textarea) {
  const box = document.createElement("div");
  const label = textarea.labels[0]?.textContent.trim().replace(/:$/, "") ?? "text";
  box.className = "preview";
  box.tabIndex = 0; // the keyboard scrolls it
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", `Preview: ${label}`);
  const shown = document.createElement("div");
  shown.className = "preview-text";
  const note = document.createElement("p");
  note.className = "preview-note";
  note.setAttribute("role", "status");
  box.append(shown, note);
  box.hidden = true;
  textarea.after(box);

  let timer;
  let asking; // the newest question; an older one is taken back

  function say(sentence) {
    note.textContent = sentence;
    box.classList.toggle("preview-old", Boolean(sentence));
  }

  async function ask() {
    asking?.abort();
    const {signal} = asking = new AbortController();
    box.hidden = !textarea.value.trim();
    if (box.hidden) {
      shown.replaceChildren();
      return say("");
    }
    const token = textarea.form.elements.csrfmiddlewaretoken.value;
    try {
      const answer = await fetch(textarea.dataset.preview, {
        method: "POST",
        body: new URLSearchParams({text: textarea.value, csrfmiddlewaretoken: token}),
        redirect: "error", // to the log-in, when the session has ended
        signal,
      });
      const text = await answer.text();
      if (signal.aborted) return;
      if (answer.status === 422) return say(text);
      if (!answer.ok) throw new Error(answer.status);
      shown.innerHTML = text;
      say("");
    } catch (error) {
      if (error.name !== "AbortError") say("No preview now. Your text is untouched.");
    }
  }

  textarea.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT);
  });
  ask();
}

document.querySelectorAll("textarea[data-preview]:enabled").forEach(enhance);
