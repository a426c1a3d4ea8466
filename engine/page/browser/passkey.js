/**
 * Makes and uses passkeys: a button with `data-passkey` shows itself where the browser knows them, asks the browser by
 * its `data-options`, and puts the answer into the field that `data-into` names. Then it presses the button of the form
 * that `data-then` names, or says that it is done. The page works without; then there are no passkeys.
 */
const bytesOf = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (sign) => sign.charCodeAt(0));
const textOf = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=/g, '');
const known = (list = []) => list.map((one) => ({ ...one, id: bytesOf(one.id) }));

/** PublicKeyCredential.parseCreationOptionsFromJSON and its like are not in every browser yet. */
async function ask(kind, { challenge, user, excludeCredentials, allowCredentials, ...options }) {
  const publicKey = { ...options, challenge: bytesOf(challenge) };
  if (kind === 'create')
    return navigator.credentials.create({
      publicKey: {
        ...publicKey,
        user: { ...user, id: bytesOf(user.id) },
        excludeCredentials: known(excludeCredentials),
      },
    });
  return navigator.credentials.get({ publicKey: { ...publicKey, allowCredentials: known(allowCredentials) } });
}

function answerOf({ id, rawId, type, response }) {
  const parts = ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle'];
  const said = parts.filter((part) => response[part]).map((part) => [part, textOf(response[part])]);
  return JSON.stringify({
    id,
    rawId: textOf(rawId),
    type,
    clientExtensionResults: {},
    response: { ...Object.fromEntries(said), transports: response.getTransports?.() ?? [] },
  });
}

for (const button of window.PublicKeyCredential ? document.querySelectorAll('button[data-passkey]') : []) {
  const { form } = button;
  const { passkey, options, into, then } = button.dataset;
  const note = (name) => form.querySelector(`[data-passkey-${name}="${into}"]`);
  button.hidden = false;
  button.addEventListener('click', async () => {
    for (const name of ['problem', 'done']) note(name)?.setAttribute('hidden', '');
    // What is asked for beside the passkey is asked for first, where it is beside it and not in its place.
    if (passkey === 'create' && !button.formNoValidate && !form.reportValidity()) return;
    button.disabled = true;
    try {
      form.elements.namedItem(into).value = answerOf(await ask(passkey, JSON.parse(options)));
      if (then) form.querySelector(`button[name="do"][value="${then}"]`).click();
      else note('done')?.removeAttribute('hidden');
    } catch {
      // The person changed their mind, or the browser found none.
      note('problem')?.removeAttribute('hidden');
    }
    button.disabled = false;
  });
}
