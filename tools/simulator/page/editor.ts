/** The editor of scripts: CodeMirror, with the names of the script API, and what is wrong on the line. */
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab, isolateHistory } from '@codemirror/commands';
import { javascript } from '@codemirror/lang-javascript';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, forceLinting, linter, lintGutter, lintKeymap } from '@codemirror/lint';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { EditorState, Prec } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { Language, LineFault, ScriptFile } from '../shown.ts';
import { namesOf } from './completion.ts';

export interface Editor {
  open(name: string): void;
  /** Files as they are on the disk; what was edited is forgotten. */
  load(files: readonly ScriptFile[]): void;
  /** Takes over what others wrote into files that were not edited here. @returns their names. */
  refresh(files: readonly ScriptFile[]): readonly string[];
  /** Files whose text is other than on the disk. */
  texts(): Readonly<Record<string, string>>;
  textOf(name: string): string;
  /** @returns false, and changes nothing, where the text is no longer the one before. */
  replace(name: string, before: string, text: string): boolean;
  /** What stands on the disk now. */
  saved(name: string, text: string): void;
  diskText(name: string): string;
  goTo(file: string, line: number, column: number): void;
  readonly file: string;
}

const wait = 350;

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier], color: 'var(--code-keyword)' },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: 'var(--code-string)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--code-number)' },
  { tag: tags.comment, color: 'var(--muted)', fontStyle: 'italic' },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: 'var(--code-function)' },
  { tag: tags.definition(tags.variableName), color: 'var(--code-function)' },
  { tag: tags.typeName, color: 'var(--code-number)' },
]);

const look = EditorView.theme({
  '&': { height: '100%', fontSize: '13px', backgroundColor: 'var(--card)', color: 'var(--ink)' },
  '.cm-scroller': { fontFamily: 'var(--code-font)', lineHeight: '1.5' },
  '.cm-gutters': { backgroundColor: 'var(--card)', color: 'var(--muted)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--tint)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '&.cm-focused': { outline: 'none' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { background: 'var(--selection) !important' },
  '.cm-tooltip': {
    backgroundColor: 'var(--card)',
    color: 'var(--ink)',
    border: '1px solid var(--line)',
    borderRadius: '6px',
    boxShadow: 'var(--shadow)',
  },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--brand)', color: 'var(--on-brand)' },
  '.cm-panels': { backgroundColor: 'var(--card)', color: 'var(--ink)' },
  '.cm-completionDetail': { color: 'inherit', fontStyle: 'normal', opacity: '0.85' },
});

/**
 * @param parts.check what is wrong with the scripts as they stand.
 * @param parts.changed is told after each change.
 * @param parts.run what Ctrl+Enter does.
 */
export function createEditor(parts: {
  readonly place: HTMLElement;
  readonly language: Language;
  readonly nonce: string;
  readonly check: () => Promise<readonly LineFault[]>;
  readonly changed: () => void;
  readonly run: () => void;
  readonly save: () => void;
  readonly format: () => void;
}): Editor {
  const { complete, hover } = namesOf(parts.language);
  const disk = new Map<string, string>();
  const states = new Map<string, EditorState>();
  let current = '';

  const act = (action: () => void) => () => {
    action();
    return true;
  };
  const extensions = (name: string) => [
    EditorView.cspNonce.of(parts.nonce),
    EditorView.contentAttributes.of({
      'aria-label': `Script ${name}`,
      'aria-description': 'Escape and then Tab leaves the editor',
      tabindex: '0',
    }),
    lineNumbers(),
    lintGutter(),
    history(),
    drawSelection(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    highlightSelectionMatches(),
    javascript({ typescript: name.endsWith('.ts') }),
    syntaxHighlighting(colours),
    look,
    autocompletion({ override: [complete] }),
    hover,
    linter((each) => diagnosticsIn(each), { delay: wait }),
    Prec.highest(
      keymap.of([
        { key: 'Mod-Enter', run: act(parts.run) },
        { key: 'Mod-s', run: act(parts.save) },
        { key: 'Shift-Alt-f', run: act(parts.format) },
      ]),
    ),
    keymap.of([
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...completionKeymap,
      ...lintKeymap,
      indentWithTab,
    ]),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) parts.changed();
    }),
  ];
  const newState = (name: string) => EditorState.create({ doc: disk.get(name) ?? '', extensions: extensions(name) });
  const view = new EditorView({
    parent: parts.place,
    state: EditorState.create({ extensions: [EditorView.cspNonce.of(parts.nonce), look] }),
  });

  async function diagnosticsIn({ state: { doc } }: EditorView): Promise<readonly Diagnostic[]> {
    const file = current;
    const faults = await parts.check();
    return faults
      .filter((fault) => fault.file === file && fault.line <= doc.lines)
      .map(({ line, column, severity, message }) => {
        const place = doc.line(line);
        const from = Math.min(place.from + column - 1, place.to);
        const word = /^[\w$]+/.exec(place.text.slice(column - 1))?.[0].length ?? 1;
        return { from, to: Math.min(from + word, place.to), severity, message };
      });
  }

  const textOf = (name: string) =>
    (name === current ? view.state : states.get(name))?.doc.toString() ?? disk.get(name) ?? '';

  function open(name: string): void {
    if (current !== '') states.set(current, view.state);
    current = name;
    view.setState(states.get(name) ?? newState(name));
    forceLinting(view);
  }

  return {
    open,
    load(files) {
      states.clear();
      disk.clear();
      current = '';
      for (const { name, text } of files) disk.set(name, text);
    },
    refresh(files) {
      const changed = files.filter(({ name, text }) => disk.get(name) === textOf(name) && text !== textOf(name));
      for (const { name, text } of changed) {
        disk.set(name, text);
        if (name === current) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
        else states.delete(name);
      }
      return changed.map(({ name }) => name);
    },
    texts() {
      return Object.fromEntries(
        [...disk].flatMap(([name, text]) => (textOf(name) === text ? [] : [[name, textOf(name)]])),
      );
    },
    textOf,
    replace(name, before, text) {
      if (name !== current || view.state.doc.toString() !== before) return false;
      // One step to undo, whatever was typed a moment ago.
      view.dispatch({ changes: changeBetween(before, text), annotations: isolateHistory.of('full') });
      return true;
    },
    diskText: (name) => disk.get(name) ?? '',
    saved: (name, text) => void disk.set(name, text),
    goTo(file, line, column) {
      if (file !== current && disk.has(file)) open(file);
      if (file !== current || line > view.state.doc.lines) return;
      const place = view.state.doc.line(line);
      view.dispatch({ selection: { anchor: Math.min(place.from + column - 1, place.to) }, scrollIntoView: true });
      view.focus();
    },
    get file() {
      return current;
    },
  };
}

/** From the first letter that differs to the last, so that the cursor stays where nothing changed. */
function changeBetween(before: string, after: string) {
  const shorter = Math.min(before.length, after.length);
  let from = 0;
  while (from < shorter && before[from] === after[from]) from += 1;
  let behind = 0;
  while (behind < shorter - from && before.at(-1 - behind) === after.at(-1 - behind)) behind += 1;
  return { from, to: before.length - behind, insert: after.slice(from, after.length - behind) };
}
