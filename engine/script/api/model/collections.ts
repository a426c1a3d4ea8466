/** Lists and maps: JavaScript's own, with the few methods that Smile CDR scripts call on Java's. */
import { method, missing, model, same } from '../make.ts';

const collected = 'Lists are JavaScript arrays here.';

export const javaList = model(
  'JavaList',
  same,
  'A JavaScript array (`length`, `for…of`, `map`, `filter`, …) that also answers as a Java list does.',
  [
    method('size', '', 'number', same, 'How many items there are; the same as `length`.'),
    method('get', 'index: number', 'T', same, 'The item at a place, counted from 0; undefined where there is none.'),
    method('isEmpty', '', 'boolean', same, 'Whether there is no item.'),
    method('add', 'item: T', 'boolean', missing(`${collected} Use \`push(item)\`.`), 'Adds an item at the end.'),
    method(
      'contains',
      'item: T',
      'boolean',
      missing(`${collected} Use \`includes(item)\`.`),
      'Whether an item is in the list.',
    ),
    method(
      'remove',
      'item: T',
      'boolean',
      missing(`${collected} Use \`splice(index, 1)\`, or the model's own method such as \`removeAuthority\`.`),
      'Takes an item out.',
    ),
    method(
      'iterator',
      '',
      'Iterator<T>',
      missing(`${collected} Use \`for (const item of list)\`.`),
      'Walks through the items.',
    ),
    method(
      'stream',
      '',
      'unknown',
      missing(`${collected} Use \`map\`, \`filter\`, \`some\`, \`find\`.`),
      'The items as a Java stream.',
    ),
  ],
  { generics: '<T>', extends: 'Array<T>' },
);

const mapped = 'Maps are JavaScript objects here.';

export const javaMap = model(
  'JavaMap',
  same,
  'A JavaScript object whose properties are the entries (`map.name`, `map["name"]`), with the reading methods of a Java map.',
  [
    method('get', 'name: string', 'T | null', same, 'The value of an entry; null where there is none.'),
    method('containsKey', 'name: string', 'boolean', same, 'Whether there is an entry of that name.'),
    method(
      'put',
      'name: string, value: T',
      'T | null',
      missing(`${mapped} Assign instead: \`map[name] = value\`.`),
      'Sets an entry.',
    ),
    method(
      'getOrDefault',
      'name: string, otherwise: T',
      'T',
      missing(`${mapped} Use \`map[name] ?? otherwise\`.`),
      'The value of an entry, or another one.',
    ),
    method('keySet', '', 'unknown', missing(`${mapped} Use \`Object.keys(map)\`.`), 'The names of the entries.'),
    method('entrySet', '', 'unknown', missing(`${mapped} Use \`Object.entries(map)\`.`), 'The entries.'),
  ],
  { generics: '<T>', others: 'T' },
);
