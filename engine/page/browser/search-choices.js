/**
 * Searches a list of choices while a person types. The page works without: this sends the same search as its form does,
 * and puts what the answer shows in the place of what is shown. Which choices there are is the server's to say.
 */
const search = document.querySelector('form[role="search"]');
const field = search?.querySelector('input[name="search"]');
const choices = document.querySelector('form[data-choices]');
const found = document.querySelector('[data-found]');
/** Milliseconds without a key before the search is sent. */
const pause = 250;

/** What the person ticked, also while nothing is found and there is nothing to tick. */
const ticks = new Map();
const boxes = () => choices.querySelectorAll('input[type="checkbox"]');
let timer;
/** Ends the search under way, whose answer nobody waits for any more. */
let asked = new AbortController();

/** @param {string} text what is searched. */
async function searchFor(text) {
  asked.abort();
  asked = new AbortController();
  const { signal } = asked;
  const address = new URL(search.action);
  address.searchParams.set('search', text);
  try {
    const answer = await fetch(address, { signal, redirect: 'error', credentials: 'same-origin' });
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    if (signal.aborted) return;
    const next = page.querySelector('form[data-choices]');
    // The flow has gone on elsewhere, or has expired: the page says so.
    if (!answer.ok || !next) return location.assign(search.action);
    const chosen = choices.querySelector('input[name="choice"]:checked')?.value;
    for (const box of boxes()) ticks.set(box.name, box.checked);
    choices.replaceChildren(...document.adoptNode(next).childNodes);
    const again = [...choices.querySelectorAll('input[name="choice"]')].find(({ value }) => value === chosen);
    if (again) again.checked = true;
    for (const box of boxes()) box.checked = ticks.get(box.name) ?? box.checked;
    if (found) found.textContent = page.querySelector('[data-found]')?.textContent ?? '';
  } catch {
    // Without an answer the list stays as it is, and the button still sends the form.
  }
}

if (field && choices) {
  field.addEventListener('input', () => {
    clearTimeout(timer);
    // What is typed is newer than any answer to come.
    asked.abort();
    timer = setTimeout(() => void searchFor(field.value), pause);
  });
  search.addEventListener('submit', () => clearTimeout(timer));
}
