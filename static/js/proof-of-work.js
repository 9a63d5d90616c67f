// Solves the riddle that releases a vote from quarantine (reviews/proof_of_work.py). It works in
// batches of a few milliseconds and lets the page do what waits between them.

const BATCH = 500;

/** Let the page answer clicks and draw itself; a timer would wait four milliseconds each time. */
function breathe() {
  return new Promise(resolve => {
    const {port1, port2} = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/**
 * The solution of a challenge, as text for the ballot's field `proof`; null where there is none,
 * or where the page is not secure and the browser keeps its cryptography back.
 */
export async function solve({algorithm, challenge, max_number: last, salt, signature}) {
  if (!globalThis.crypto?.subtle) return null;
  const encoder = new TextEncoder();
  const wanted = Uint8Array.from(challenge.match(/../g), pair => parseInt(pair, 16));
  const isWanted = async number => {
    const digest = await crypto.subtle.digest(algorithm, encoder.encode(salt + number));
    return new Uint8Array(digest).every((byte, place) => byte === wanted[place]);
  };
  for (let first = 0; first <= last; first += BATCH) {
    const numbers = Array.from({length: BATCH}, (_, offset) => first + offset);
    const found = (await Promise.all(numbers.map(isWanted))).indexOf(true);
    await breathe();
    if (found >= 0) return JSON.stringify({challenge, salt, signature, number: numbers[found]});
  }
  return null;
}
