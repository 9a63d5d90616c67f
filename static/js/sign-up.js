// Signing up for the digest without leaving the page. Without this the form works by itself, with one
// press more: the page is the same for everybody, so the stamp that tells how fast it was filled in
// has to be fetched, which is done when somebody turns to the form.

const RIPE = 2000; // milliseconds until a stamp is taken
const OLD = 12 * 3600e3;
const LOST = "Your sign-up did not arrive. Look at your connection, and press again.";

async function fetchStamp(address) {
  const answer = await fetch(address, {headers: {Accept: "application/json"}});
  return {token: (await answer.json()).token, since: Date.now()};
}

function enhance(form) {
  const field = form.elements.email;
  const status = form.querySelector("[role=status]");
  let stamp = null;
  let busy = false;

  function ask() {
    stamp ??= fetchStamp(form.dataset.signUp).catch(() => stamp = null);
    return stamp;
  }

  function say(sentence, wrong = false) {
    status.textContent = sentence;
    status.classList.toggle("field-error", wrong);
    if (wrong) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }

  async function send() {
    let found = await ask();
    if (found && Date.now() - found.since > OLD) {
      stamp = null;
      found = await ask();
    }
    if (!found) return say(LOST, true);
    const fields = new URLSearchParams(new FormData(form));
    fields.set("token", found.token);
    const wait = found.since + RIPE - Date.now();
    if (wait > 0) await new Promise(done => setTimeout(done, wait));
    const answer = await fetch(form.action, {
      method: "POST",
      body: fields,
      headers: {Accept: "application/json"},
    });
    const result = await answer.json();
    if (answer.ok) {
      form.reset();
      return say(result.message);
    }
    if (result.again) stamp = null;
    say(result.error, true);
    field.focus();
  }

  form.addEventListener("focusin", ask);
  form.addEventListener("submit", async event => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    say("One moment …");
    try {
      await send();
    } catch {
      say(LOST, true);
    } finally {
      busy = false;
    }
  });
}

document.querySelectorAll("[data-sign-up]").forEach(enhance);
