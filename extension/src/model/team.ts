// How the turns of a team are told: a line when one begins and when it ends.
// The same rules as analyst/frontends/reducer_team.py.

import type { TeamTurnFinished, TeamTurnStarted } from './events';

/** Of what a role said that its line holds; the record has all of it. */
const MOST_CHARACTERS = 300;

const SAID: Record<TeamTurnFinished['kind'], string> = {
  plan: 'plans',
  passage: 'found',
  result: 'has a result',
  objection: 'objects',
  approval: 'approves',
  decision: 'decides',
  answer: 'answers',
  remark: 'says'
};

/** Say whose turn it is, and why. */
export function turnStarted(event: TeamTurnStarted): string {
  return `${event.role}'s turn: ${event.reason}`;
}

/** Say what a role said. */
export function turnFinished(event: TeamTurnFinished): string {
  const does = event.failed ? 'came to nothing' : SAID[event.kind];
  // By characters as Python counts them.
  const line = Array.from(event.text.split(/\s+/).filter(Boolean).join(' '));
  const cut =
    line.length > MOST_CHARACTERS
      ? [...line.slice(0, MOST_CHARACTERS - 1), '…']
      : line;
  return cut.length > 0
    ? `${event.role} ${does}: ${cut.join('')}`
    : `${event.role} ${does}.`;
}
