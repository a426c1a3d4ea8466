/** What the editor offers and explains: the names that the script API has, by what stands at the cursor. */
import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import { syntaxTree } from '@codemirror/language';
import type { EditorState } from '@codemirror/state';
import { hoverTooltip, type EditorView, type Tooltip } from '@codemirror/view';
import type { SyntaxNode } from '@lezer/common';
import type { Language, Offer } from '../shown.ts';
import { make } from './dom.ts';

interface Names {
  readonly complete: (context: CompletionContext) => CompletionResult | null;
  readonly hover: ReturnType<typeof hoverTooltip>;
}

/** How far a value is followed through variables and calls. */
const furthest = 8;

export function namesOf(language: Language): Names {
  const globals = new Map(language.globals.map((global) => [global.name, global]));
  const membersOf = (model: string): readonly Offer[] => language.models[model]?.members ?? [];

  /** The model of what an expression is; empty where nobody knows. */
  function modelOf(node: SyntaxNode | null, state: EditorState, depth = 0): string {
    if (!node || depth > furthest) return '';
    const text = (each: SyntaxNode) => state.sliceDoc(each.from, each.to);
    switch (node.name) {
      case 'VariableName':
        return (
          parameterAt(node, state)?.model ?? variableModel(node, state, depth) ?? globals.get(text(node))?.model ?? ''
        );
      case 'MemberExpression': {
        const property = node.getChild('PropertyName');
        return (property && memberAt(node, text(property), state, depth)?.model) ?? '';
      }
      case 'CallExpression':
        return modelOf(node.firstChild, state, depth + 1);
      case 'NewExpression':
        return modelOf(node.getChild('VariableName'), state, depth + 1).replace(/^static /, '');
      case 'UnaryExpression':
      case 'AwaitExpression':
      case 'ParenthesizedExpression':
        return modelOf(node.lastChild?.name === ')' ? node.lastChild.prevSibling : node.lastChild, state, depth + 1);
      default:
        return '';
    }
  }

  function memberAt(node: SyntaxNode, name: string, state: EditorState, depth = 0): Offer | undefined {
    const model = modelOf(node.firstChild, state, depth + 1);
    const bean = /^(?:get|set)([A-Z])(.*)$/.exec(name);
    const plain = bean ? `${bean[1]?.toLowerCase()}${bean[2]}` : name;
    return (
      membersOf(model).find((member) => member.name === name) ??
      membersOf(model).find((member) => member.name === plain)
    );
  }

  /** The parameter of the hook around it, whatever the author calls it. */
  function parameterAt(
    node: SyntaxNode,
    state: EditorState,
  ): Language['hooks'][number]['parameters'][number] | undefined {
    const name = state.sliceDoc(node.from, node.to);
    for (let around = node.parent; around; around = around.parent) {
      if (
        around.name !== 'FunctionDeclaration' &&
        around.name !== 'ArrowFunction' &&
        around.name !== 'FunctionExpression'
      )
        continue;
      const given = (around.getChild('ParamList')?.getChildren('VariableDefinition') ?? []).map(({ from, to }) =>
        state.sliceDoc(from, to),
      );
      const place = given.indexOf(name);
      if (place < 0) continue;
      const definition = around.getChild('VariableDefinition') ?? around.parent?.getChild('VariableDefinition');
      const called = definition ? state.sliceDoc(definition.from, definition.to) : '';
      return language.hooks.find((hook) => hook.name === called)?.parameters[place];
    }
    return undefined;
  }

  /** What a variable was declared as, nearest before. */
  function variableModel(node: SyntaxNode, state: EditorState, depth: number): string | undefined {
    const name = state.sliceDoc(node.from, node.to);
    let found: SyntaxNode | null = null;
    syntaxTree(state).iterate({
      to: node.from,
      enter({ name: kind, node: each }) {
        if (kind !== 'VariableDeclaration') return;
        const definition = each.getChild('VariableDefinition');
        if (definition && state.sliceDoc(definition.from, definition.to) === name && each.to <= node.from)
          found = each.getChild('Equals')?.nextSibling ?? null;
      },
    });
    return found ? modelOf(found, state, depth + 1) || undefined : undefined;
  }

  function optionOf({ name, kind, detail, documentation }: Offer): Completion {
    return {
      label: name,
      type: kind,
      detail: kind === 'property' ? detail : '',
      info: () => explained(name, kind === 'method' ? detail : `: ${detail}`, documentation),
    };
  }

  function complete(context: CompletionContext): CompletionResult | null {
    const { state, pos } = context;
    const inner = syntaxTree(state).resolveInner(pos, -1);
    if (/String|Comment|Template/.test(inner.name)) return null;
    const word = context.matchBefore(/[\w$]*/);
    const from = word?.from ?? pos;
    const member =
      inner.name === 'MemberExpression'
        ? inner
        : inner.parent?.name === 'MemberExpression' && inner.name !== 'VariableName'
          ? inner.parent
          : null;
    if (member) {
      const options = membersOf(modelOf(member.firstChild, state)).map(optionOf);
      return options.length > 0 ? { from, options, validFor: /^[\w$]*$/ } : null;
    }
    if (!context.explicit && from === pos) return null;
    const parameters = parametersAround(inner, state);
    const options: Completion[] = [
      ...parameters.map((name): Completion => ({ label: name, type: 'variable', boost: 2 })),
      ...language.globals.map(optionOf),
      ...(inner.parent?.name === 'Script' || inner.parent?.parent?.name === 'Script'
        ? language.hooks.map(({ name, detail, documentation, parameters: list }): Completion => ({
            label: name,
            type: 'function',
            info: () => explained(name, detail, documentation),
            apply: `function ${name}(${list.map((each) => each.name).join(', ')}) {\n  \n}`,
          }))
        : []),
    ];
    return { from, options, validFor: /^[\w$]*$/ };
  }

  function parametersAround(node: SyntaxNode, state: EditorState): readonly string[] {
    const found: string[] = [];
    for (let around: SyntaxNode | null = node; around; around = around.parent)
      for (const { from, to } of around.getChild('ParamList')?.getChildren('VariableDefinition') ?? [])
        found.push(state.sliceDoc(from, to));
    return found;
  }

  function explain(view: EditorView, pos: number, side: -1 | 1): Tooltip | null {
    const { state } = view;
    const node = syntaxTree(state).resolveInner(pos, side);
    const name = state.sliceDoc(node.from, node.to);
    const tooltip = (detail: string, documentation: string): Tooltip => ({
      pos: node.from,
      end: node.to,
      above: true,
      create: () => ({ dom: explained(name, detail, documentation) }),
    });
    if (node.name === 'PropertyName' && node.parent?.name === 'MemberExpression') {
      const member = memberAt(node.parent, name, state);
      return member
        ? tooltip(member.kind === 'method' ? member.detail : `: ${member.detail}`, member.documentation)
        : null;
    }
    const hook = language.hooks.find((each) => each.name === name);
    if (hook) return tooltip(hook.detail, hook.documentation);
    if (node.name !== 'VariableName' && node.name !== 'VariableDefinition') return null;
    const parameter = parameterAt(node, state);
    if (parameter) return tooltip(`: ${parameter.type}`, language.models[parameter.model]?.documentation ?? '');
    const global = globals.get(name);
    return global
      ? tooltip(global.kind === 'method' ? global.detail : `: ${global.detail}`, global.documentation)
      : null;
  }

  return { complete, hover: hoverTooltip(explain, { hoverTime: 250 }) };
}

function explained(name: string, detail: string, documentation: string): HTMLElement {
  return make(
    'div',
    'explained',
    ...detail.split('\n').map((line) => make('code', {}, `${name}${line}`)),
    ...documentation
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => make('p', {}, line.replaceAll('`', ''))),
  );
}
