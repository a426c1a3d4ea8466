/** Finds where a text stops being JSON. V8 often does not say, and where it does, it quotes the text, secrets included. */

const token =
  /[ \t\r\n]*(?:("(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|([[\]{},:]))/y;

type Wanted = 'value' | 'first-value' | 'name' | 'first-name' | 'colon' | 'comma' | 'end';

/** What may follow once a value is complete. */
function after(open: readonly string[]): Wanted {
  return open.length === 0 ? 'end' : 'comma';
}

/** The offset of the first character that cannot stand where it stands; the text's length where it ends too early. */
export function firstFault(text: string): number | undefined {
  const open: ('{' | '[')[] = [];
  let wanted: Wanted = 'value';
  let position = 0;
  for (;;) {
    token.lastIndex = position;
    const found = token.exec(text);
    const start = position + (/^[ \t\r\n]*/.exec(text.slice(position))?.[0].length ?? 0);
    if (!found) return start === text.length && wanted === 'end' ? undefined : start;
    const [, string, plain, mark] = found;
    position = token.lastIndex;
    const inner = open.at(-1);
    const isValue = wanted === 'value' || wanted === 'first-value';
    if (isValue && (string !== undefined || plain !== undefined)) wanted = after(open);
    else if (isValue && (mark === '{' || mark === '[')) {
      open.push(mark);
      wanted = mark === '{' ? 'first-name' : 'first-value';
    } else if ((wanted === 'name' || wanted === 'first-name') && string !== undefined) wanted = 'colon';
    else if (wanted === 'colon' && mark === ':') wanted = 'value';
    else if (wanted === 'comma' && mark === ',') wanted = inner === '{' ? 'name' : 'value';
    else if (
      (mark === '}' && inner === '{' && (wanted === 'comma' || wanted === 'first-name')) ||
      (mark === ']' && inner === '[' && (wanted === 'comma' || wanted === 'first-value'))
    ) {
      open.pop();
      wanted = after(open);
    } else return start;
  }
}
