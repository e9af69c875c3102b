// The server's routes as typed calls, by docs/panel.md.
// Not here: the event stream (stream.ts).

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { AnyEvent } from './events';
import type {
  IAsk,
  IConversationInfo,
  IDecision,
  IFinding,
  IFrame,
  IModelChoice,
  IModels,
  IPull,
  IRunSummary,
  IStatus,
  IVerified
} from './served';

export type * from './served';

/** The server refused; the message is a sentence for the user. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string
  ) {
    super(message);
  }
}

export class AnalystApi {
  constructor(
    readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings()
  ) {}

  status(): Promise<IStatus> {
    return this._get('status');
  }

  models(): Promise<IModels> {
    return this._get('models');
  }

  async chooseModel(choice: IModelChoice): Promise<void> {
    await this._send('POST', 'model', choice);
  }

  beginPull(): Promise<IPull> {
    return this._send('POST', 'model/pull', {});
  }

  pull(): Promise<IPull> {
    return this._get('model/pull');
  }

  conversations(): Promise<{ conversations: IConversationInfo[] }> {
    return this._get('conversations');
  }

  createConversation(notebook: string | null): Promise<{ id: string }> {
    return this._send('POST', 'conversations', notebook ? { notebook } : {});
  }

  conversation(id: string): Promise<IConversationInfo> {
    return this._get(`conversations/${part(id)}`);
  }

  rename(id: string, title: string): Promise<IConversationInfo> {
    return this._send('PATCH', `conversations/${part(id)}`, { title });
  }

  async remove(id: string): Promise<void> {
    await this._send('DELETE', `conversations/${part(id)}`);
  }

  eventsUrl(id: string, after: number): string {
    return this._url(`conversations/${part(id)}/events`, { after });
  }

  ask(id: string, asked: IAsk): Promise<{ run_id: string }> {
    return this._send('POST', `conversations/${part(id)}/ask`, asked);
  }

  async stop(id: string): Promise<void> {
    await this._send('POST', `conversations/${part(id)}/stop`, {});
  }

  async reset(id: string): Promise<void> {
    await this._send('POST', `conversations/${part(id)}/reset`, {});
  }

  async decide(id: string, callId: string, made: IDecision): Promise<void> {
    const path = `conversations/${part(id)}/approvals/${part(callId)}`;
    await this._send('POST', path, made);
  }

  agentFrames(id: string): Promise<{ frames: IFrame[] }> {
    return this._get(`conversations/${part(id)}/frames`);
  }

  bringFrame(
    id: string,
    name: string,
    directory: string
  ): Promise<{ path: string; code: string }> {
    const path = `conversations/${part(id)}/frames/${part(name)}/bring`;
    return this._send('POST', path, { directory });
  }

  /** Copy the files that the agent's code wrote into a directory. */
  saveFiles(id: string, directory: string): Promise<{ paths: string[] }> {
    return this._send('POST', `conversations/${part(id)}/files`, { directory });
  }

  makeNotebook(
    id: string,
    path: string,
    runIds: string[] | null
  ): Promise<{ path: string }> {
    const asked = runIds ? { path, run_ids: runIds } : { path };
    return this._send('POST', `conversations/${part(id)}/notebook`, asked);
  }

  kernelFrames(kernelId: string): Promise<{ frames: IFrame[] }> {
    return this._get(`kernels/${part(kernelId)}/frames`);
  }

  files(
    prefix: string
  ): Promise<{ files: { path: string; bytes?: number }[] }> {
    return this._get('files', { prefix });
  }

  findings(words: string, limit: number): Promise<{ findings: IFinding[] }> {
    return this._get('findings', { words, limit });
  }

  finding(number: number): Promise<IFinding> {
    return this._get(`findings/${number}`);
  }

  /** What a finding kept to be looked at, as outputs of a notebook. */
  findingOutputs(
    number: number
  ): Promise<{ outputs: Record<string, unknown>[] }> {
    return this._get(`findings/${number}/outputs`);
  }

  changeFinding(
    number: number,
    change: { pinned?: boolean; tags?: string[] }
  ): Promise<IFinding> {
    return this._send('PATCH', `findings/${number}`, change);
  }

  async deleteFinding(number: number): Promise<void> {
    await this._send('DELETE', `findings/${number}`);
  }

  verifyFinding(number: number): Promise<IVerified> {
    return this._send('POST', `findings/${number}/verify`, {});
  }

  runs(limit: number): Promise<{ runs: IRunSummary[] }> {
    return this._get('runs', { limit });
  }

  runEvents(id: string): Promise<{ events: AnyEvent[] }> {
    return this._get(`runs/${part(id)}/events`);
  }

  runNotebookUrl(id: string): string {
    return this._url(`runs/${part(id)}/notebook`);
  }

  /** A large value, as it was before it was put apart. */
  async blob(sha256: string, kind: string): Promise<unknown> {
    const response = await this._request(`blobs/${part(sha256)}`, {}, { kind });
    return kind === 'json' ? response.json() : response.text();
  }

  private async _get<T>(
    path: string,
    query: Record<string, string | number> = {}
  ): Promise<T> {
    return (await this._request(path, {}, query)).json();
  }

  private async _send<T>(
    method: 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown
  ): Promise<T> {
    const response = await this._request(path, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body)
    });
    const text = await response.text();
    return text ? JSON.parse(text) : undefined;
  }

  private async _request(
    path: string,
    init: RequestInit,
    query: Record<string, string | number> = {}
  ): Promise<Response> {
    const url = this._url(path, query);
    const response = await ServerConnection.makeRequest(
      url,
      init,
      this.settings
    );
    if (!response.ok) {
      throw new ApiError(response.status, await messageOf(response));
    }
    return response;
  }

  private _url(
    path: string,
    query: Record<string, string | number> = {}
  ): string {
    const url = URLExt.join(this.settings.baseUrl, 'analyst/api', path);
    const words = URLExt.objectToQueryString({ ...query });
    return Object.keys(query).length > 0 ? url + words : url;
  }
}

function part(text: string): string {
  return encodeURIComponent(text);
}

async function messageOf(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => null);
  const message = (body as { message?: unknown } | null)?.message;
  return typeof message === 'string' && message
    ? message
    : `${response.status} ${response.statusText}`;
}
