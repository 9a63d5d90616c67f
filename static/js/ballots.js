// Ballots: voting without leaving the page, with an undo. What one has voted is kept in this browser
// alone, because a page is the same for everybody. Without this the forms work by themselves.

const KEY = "votes";

/** What this browser has voted, as {slug or pair of slugs: choice}. Storage may be forbidden or hold anything. */
function read() {
  try {
    const votes = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return votes && typeof votes === "object" && !Array.isArray(votes) ? votes : {};
  } catch {
    return {};
  }
}

function keep(slug, choice) {
  const {[slug]: _, ...votes} = read();
  if (choice) votes[slug] = choice;
  try {
    localStorage.setItem(KEY, JSON.stringify(votes));
  } catch {
    // The vote is cast all the same; only this browser forgets which one it was.
  }
}

/** Show on a ballot what its reader has voted. */
function mark(ballot, choice) {
  for (const button of ballot.querySelectorAll("[name=choice]:not([value=retract])")) {
    button.setAttribute("aria-pressed", button.value === choice);
  }
  ballot.querySelector("[value=retract]").hidden = !choice;
}

/** Move the tally to what the server counted. */
function tally(ballot, count) {
  const set = (selector, values) => {
    const part = ballot.querySelector(selector);
    for (const [name, value] of Object.entries(values)) part.setAttribute(name, value);
  };
  ballot.querySelector("[data-tally-text]").textContent = count.text;
  if ("shares" in count) { // of two tools and neither
    const [left, right] = count.shares ?? [0, 0];
    set(".duel-bar-left", {width: `${left}%`});
    set(".duel-bar-right", {width: `${left + right}%`});
    ballot.querySelector(".duel-bar").toggleAttribute("data-empty", count.shares === null);
    return;
  }
  ballot.querySelector("[data-tally-interval]").textContent = count.interval_text;
  ballot.querySelector(".tally").title = count.interval_text;
  set(".tally-bar-ships", {width: `${count.share ?? 0}%`});
  set(".tally-bar-interval", {x1: `${count.low ?? 0}%`, x2: `${count.high ?? 0}%`});
  ballot.querySelector(".tally-bar").toggleAttribute("data-empty", count.share === null);
}

/** Say what happened, with a button that takes it back to what was voted before. */
function say(ballot, sentence, undo) {
  const status = ballot.querySelector("[data-ballot-status]");
  status.replaceChildren(sentence);
  if (!undo) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "ballot-undo";
  button.textContent = "Undo";
  button.addEventListener("click", () => cast(ballot, undo));
  status.append(" ", button);
}

/** The server has refused a ballot; the message is its sentence. */
class Refused extends Error {}

/** Send a ballot, and return what the server counted. */
async function send(ballot, fields) {
  const answer = await fetch(ballot.querySelector("form").action, {
    method: "POST",
    body: new URLSearchParams(fields),
    headers: {Accept: "application/json"},
  });
  const result = await answer.json();
  if (!answer.ok) throw new Refused(result.error);
  return result;
}

/** Where a vote looks stuffed, the server asks for some work that proves it was meant. */
async function prove(ballot, {choice, challenge}) {
  const {solve} = await import(document.querySelector("[data-riddles]").dataset.riddles);
  const proof = await solve(challenge);
  // Meanwhile the reader may have said something else.
  if (proof && read()[ballot.dataset.ballot] === choice) {
    tally(ballot, (await send(ballot, {choice, proof})).count);
  }
}

async function cast(ballot, choice) {
  const buttons = [...ballot.querySelectorAll("form button")];
  for (const button of buttons) button.disabled = true;
  try {
    const result = await send(ballot, {choice});
    keep(ballot.dataset.ballot, result.choice);
    mark(ballot, result.choice);
    tally(ballot, result.count);
    const chosen = buttons.find(button => button.value === result.choice);
    const said = chosen?.dataset.verdict ?? chosen?.textContent.trim();
    say(ballot, said ? `You said ${said}.` : "Your vote is taken back.", result.undo);
    if (result.challenge) prove(ballot, result).catch(() => {}); // then it waits for the night
  } catch (problem) {
    const sentence = problem instanceof Refused && problem.message;
    say(ballot, sentence || "Your vote did not arrive. Look at your connection, and vote again.");
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

for (const ballot of document.querySelectorAll("[data-ballot]")) {
  mark(ballot, read()[ballot.dataset.ballot]);
  ballot.addEventListener("submit", event => {
    if (!event.submitter?.value) return;
    event.preventDefault();
    cast(ballot, event.submitter.value);
  });
}

// Another tab may vote as well.
addEventListener("storage", event => {
  if (event.key !== KEY) return;
  for (const ballot of document.querySelectorAll("[data-ballot]")) {
    mark(ballot, read()[ballot.dataset.ballot]);
  }
});
