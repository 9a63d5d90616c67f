// Shows on an edition's page how far it has come by now. The server draws it; this fetches it again
// every few seconds, stops when nothing changes by itself any more, and rests while nobody looks.

const EVERY = 4000; // milliseconds
const SPAN = 60000; // the rate is told from that far back

const box = document.getElementById("progress");
const said = document.getElementById("progress-said");
const overtaken = document.querySelector(".overtaken");
const looks = [];
let shown = box.firstElementChild;
const drawn = shown.dataset.stage; // what the rest of the page is made for

function remember() {
  looks.push({at: shown.dataset.at, handled: shown.dataset.handled});
  while (looks.length > 2 && Date.parse(looks.at(-1).at) - Date.parse(looks[0].at) > SPAN) looks.shift();
}

// Said aloud when the stage changes, and at every tenth of the way: not at each look.
function say(before) {
  const now = shown.dataset;
  const tenth = (share) => Math.floor(share / 10);
  if (now.stage === before.stage && tenth(now.share) === tenth(before.share)) return;
  said.textContent = `${now.share}% done, ${now.stage}.`;
}

function isTyped() {
  const fields = document.querySelectorAll(".act input:not([type=hidden])");
  return [...fields].some((field) => field.value !== field.defaultValue);
}

function wait() {
  if (shown.hasAttribute("data-live")) setTimeout(look, EVERY);
}

async function look() {
  if (document.hidden) {
    return document.addEventListener("visibilitychange", look, {once: true});
  }
  const {at, handled} = looks[0];
  const address = `${box.dataset.address}?${new URLSearchParams({since: at, handled})}`;
  try {
    const answer = await fetch(address, {redirect: "error"}); // to the log-in
    if (!answer.ok) throw new Error(answer.status);
    const fragment = document.createRange().createContextualFragment(await answer.text());
    const focused = box.contains(document.activeElement) && document.activeElement.getAttribute("href");
    const before = {...shown.dataset};
    box.replaceChildren(fragment);
    shown = box.firstElementChild;
    if (focused) box.querySelector("a")?.focus();
    remember();
    say(before);
    // What can be done is another page's worth: it changes with the stage. What somebody is typing
    // would be lost with this one.
    if (shown.dataset.stage !== drawn) {
      if (!isTyped()) return location.reload();
      overtaken.hidden = false;
    }
    wait();
  } catch {
    box.classList.add("progress-old");
    said.textContent = "No news now. Load the page again to look.";
    setTimeout(look, EVERY * 5);
    return;
  }
  box.classList.remove("progress-old");
}

remember();
wait();
