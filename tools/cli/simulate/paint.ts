/** Colours for a terminal that has them; `NO_COLOR` and a pipe have none. */
import { styleText } from 'node:util';

export type Paint = (colour: 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold', text: string) => string;

export const paint: Paint = (colour, text) => styleText(colour, text, { stream: process.stdout });
