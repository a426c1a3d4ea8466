/** What the page needs to know of Sallyport itself: flows as they are drawn, decisions, names that scripts may use. */
import { globalModels, globals, hookModels, hooks, libraryModules } from '../../engine/script/api/catalogue.ts';
import type { GlobalName, Member, Model, Signature } from '../../engine/script/api/entry.ts';
import { flows } from '../../engine/flow/flows.ts';
import { decisionWords } from '../../engine/simulator/decisions.ts';
import { simulatedFlows } from '../../engine/simulator/plan.ts';
import type { DrawnFlow, Language, Offer, Setting } from './shown.ts';

export function settingOf(): Pick<Setting, 'flows' | 'decisions' | 'language'> {
  const names = [...new Set([...simulatedFlows, ...Object.keys(flows)])];
  return { flows: names.map(drawnFlow), decisions: decisionWords(), language: languageOf() };
}

/** The federated log-in is a part of the interactive flow's table. */
function drawnFlow(name: string): DrawnFlow {
  const flow = flows[name === 'federated' ? 'interactive' : name];
  if (!flow) throw new Error(`there is no flow ${name}`);
  const states = Object.entries(flow.states).map(([state, { kind, does, ...rest }]) => ({
    name: state,
    kind,
    does,
    ...('binding' in rest ? { hook: rest.binding.hook } : {}),
    ...('waitsFor' in rest ? { waitsFor: rest.waitsFor } : {}),
    leads: 'leads' in rest ? Object.entries(rest.leads).map(([outcome, to]) => ({ outcome, to })) : [],
  }));
  return { name, title: flow.title, states };
}

// --- the names that scripts may use ----------------------------------------------------------------------------------

const models = [...hookModels, ...globalModels, ...libraryModules.flatMap((module) => module.models)];
const modelNames = new Set(models.map(({ name }) => name));

/** The model in a type: `UserSessionDetails | null`, `Awaitable<HttpResponse>`. Of lists there is none. */
function modelIn(type: string): string {
  const inner = /^(?:Awaitable|Promise|PromiseLike)<(.+)>$/.exec(type)?.[1] ?? type;
  const found = inner
    .split('|')
    .map((part) => part.trim().replace(/<.*>$/, ''))
    .filter((part) => modelNames.has(part));
  return found.length === 1 ? (found[0] ?? '') : '';
}

function parameters({ parameters: list }: Signature): string {
  return list.map(({ name, type, optional }) => `${name}${optional ? '?' : ''}: ${type}`).join(', ');
}

const withNote = ({ documentation, compatibility, note }: Pick<Member, 'documentation' | 'compatibility' | 'note'>) =>
  compatibility === 'different' && note ? `${documentation}\nNot as in Smile CDR: ${note}` : documentation;

function offered(member: Member): Offer[] {
  if (member.compatibility === 'missing') return [];
  const documentation = withNote(member);
  if (member.kind === 'property') {
    const model = modelIn(member.type);
    return [
      {
        name: member.name,
        kind: 'property',
        detail: `${member.type}${member.readonly ? ' (read only)' : ''}`,
        documentation,
        ...(model ? { model } : {}),
      },
    ];
  }
  const [first] = member.signatures;
  if (!first) return [];
  const model = modelIn(first.result);
  return [
    {
      name: member.name,
      kind: 'method',
      detail: member.signatures.map((each) => `(${parameters(each)}): ${each.result}`).join('\n'),
      documentation,
      ...(model ? { model } : {}),
    },
  ];
}

/** Its own members and those of what it extends. */
function membersOf(model: Model): readonly Offer[] {
  const base = model.extends === undefined ? undefined : models.find(({ name }) => name === model.extends);
  return [...model.members.flatMap(offered), ...(base ? membersOf(base) : [])];
}

/** A class has its statics; what is made of it has the members. */
function globalOffer(global: GlobalName): Offer[] {
  if (global.compatibility === 'missing') return [];
  const { name, model, signatures = [] } = global;
  const made = model === undefined ? undefined : globalModels.find((each) => each.name === model);
  const [first] = signatures;
  return [
    {
      name,
      kind: signatures.length > 0 ? 'method' : 'property',
      detail: first ? `(${parameters(first)}): ${first.result}` : made?.construct ? `class ${name}` : (model ?? ''),
      documentation: withNote(global),
      ...(made ? { model: made.construct ? `static ${made.name}` : made.name } : {}),
    },
  ];
}

function languageOf(): Language {
  const known = models.filter(({ compatibility }) => compatibility !== 'missing');
  return {
    hooks: hooks.map(({ name, documentation, signature }) => ({
      name,
      documentation,
      detail: `(${parameters(signature)})`,
      parameters: signature.parameters.map((each) => ({
        name: each.name,
        type: each.type,
        model: modelIn(each.type),
      })),
    })),
    models: Object.fromEntries(
      known.flatMap((model) => [
        [model.name, { documentation: model.documentation, members: membersOf(model) }],
        [
          `static ${model.name}`,
          { documentation: model.documentation, members: (model.statics ?? []).flatMap(offered) },
        ],
      ]),
    ),
    globals: globals.flatMap(globalOffer),
    modules: libraryModules.map(({ name, functions }) => ({ name, members: functions.flatMap(offered) })),
  };
}
