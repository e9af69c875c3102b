import { readControl } from '../runcontrol';

describe('readControl', () => {
  it.each([undefined, null, 'run', [1], 7])('takes %j for nothing', data => {
    expect(readControl(data)).toBeNull();
  });

  it('takes what a file may hold for what it is at most', () => {
    const found = { call_id: 'c', kind: 'eval', choices: 7, more: { a: [1] } };
    expect(readControl({ run_id: 'r', approval: found })?.approval).toEqual({
      ...{ callId: 'c', kind: 'call', tool: '', words: '', text: '' },
      ...{ editable: false, more: { a: '' }, preview: '', choices: [] },
      canAlways: false
    });
  });

  it('takes a call without an id for none', () => {
    expect(readControl({ run_id: 7, approval: { code: 'x' } })).toEqual({
      runId: '',
      stopping: false,
      approval: null
    });
  });
});
