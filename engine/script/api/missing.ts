/** What is told to a script that uses a name which is not there: why, and what to use instead. */
import { hooks, missingGlobals, places } from './catalogue.ts';
import type { Member } from './entry.ts';

const capitalized = (name: string) => `${name[0]?.toUpperCase()}${name.slice(1)}`;
const sentence = (name: string, { note = '' }: Pick<Member, 'note'>) => `${name} is not supported. ${note}`;

/** Properties that throw when they are read: to answer undefined could let somebody in. By model, with what is thrown. */
export const missingProperties: Readonly<Record<string, Readonly<Record<string, string>>>> = Object.fromEntries(
  [...Map.groupBy(places, ({ model }) => model)].flatMap(([model, members]) => {
    const properties = members.filter(({ member }) => member.kind === 'property' && member.compatibility === 'missing');
    const isThere = model.compatibility !== 'missing' && properties.length > 0;
    return isThere
      ? [[model.name, Object.fromEntries(properties.map(({ key, member }) => [member.name, sentence(key, member)]))]]
      : [];
  }),
);

/** The type of the hook's parameter that an expression begins with. */
function typeOfRoot(expression: string): string | undefined {
  const root = expression.split(/[.[(]/)[0];
  const parameters = hooks.flatMap(({ signature }) => signature.parameters);
  return parameters.find(({ name }) => name === root)?.type.replace(/ \|.*/, '');
}

/** Adds to the message of an error what the catalogue knows of the name that it is about. */
export function explainMissing(message: string): string {
  const [, global] = /^ReferenceError: ([\w$]+) is not defined/.exec(message) ?? [];
  const found = missingGlobals.find(({ name }) => name === global);
  if (found) return `${message}: ${sentence(found.name, found)}`;
  const [, expression = ''] = /^TypeError: (.+) is not a function/.exec(message) ?? [];
  const name = /([\w$]+)$/.exec(expression)?.[1];
  if (name === undefined) return message;
  const wanted = places.filter(
    ({ member }) =>
      member.compatibility === 'missing' && (member.name === name || `get${capitalized(member.name)}` === name),
  );
  const place = wanted.find(({ model }) => model.name === typeOfRoot(expression)) ?? wanted[0];
  return place ? `${message}: ${sentence(place.key, place.member)}` : message;
}
