import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { arrivalRow, crowdRow, loginFloodRow, memoryRow } from "./rows/crowds.ts";
import {
  fillPages,
  hereRow,
  listRow,
  olderRow,
  othersRow,
  searchRow,
  uncachedRow,
  unchangedRow,
} from "./rows/pages.ts";
import { Bench, type Round, type Row } from "./rows/row.ts";
import {
  curveRow,
  formsRow,
  hotPairRow,
  openBoth,
  pacedRow,
  saturatedRow,
  twoProcessesRow,
} from "./rows/sending.ts";
import { latencyPlot } from "./support/latency-plot.ts";
import { Loader } from "./support/loader.ts";
import { makePlayers } from "./support/players.ts";
import { openStage } from "./support/stage.ts";
import { printTable, type Result, resultsOf } from "./support/table.ts";

/**
 * `npm run bench`: how fast Causerie is, beside the limit of each figure in the same run. `--quick` takes about a
 * minute, `--only TEXT` runs the rows whose title holds it, `--save FOLDER` writes JSON and the plot of latency.
 * `--rounds N`, `--crowd SECONDS`, `--inspect PORT` and `--profile FOLDER` (where the app's time goes) are for a
 * closer look.
 */

const ROUNDS = 5;

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    save: { type: "string" },
    rounds: { type: "string" },
    crowd: { type: "string", default: "300" },
    inspect: { type: "string" },
    profile: { type: "string" },
  },
});

/** Rows that share one start of the app. */
interface Act {
  rows: Row[];
  settings?: Record<string, string>;
  /** People who have accounts and are logged in, for a quick run and for a whole one. */
  people: { quick: number; whole: number };
  prepare?: (bench: Bench) => Promise<void>;
}

const CONVERSING = { quick: 400, whole: 2000 };

const acts: Act[] = [
  { rows: [saturatedRow, hotPairRow, pacedRow, curveRow, formsRow], people: CONVERSING, prepare: openBoth },
  {
    rows: [twoProcessesRow],
    settings: { WEB_CONCURRENCY: "2" },
    people: CONVERSING,
    prepare: (bench) => openBoth(bench, 2),
  },
  {
    rows: [unchangedRow, othersRow, hereRow, listRow, searchRow, olderRow],
    people: { quick: 400, whole: 400 },
    prepare: openForPages,
  },
  {
    rows: [uncachedRow],
    settings: { ANSWERS_MB: "0" },
    people: { quick: 400, whole: 400 },
    prepare: openForPages,
  },
  { rows: [memoryRow, arrivalRow], people: { quick: 1000, whole: 5000 } },
  { rows: [crowdRow, loginFloodRow], people: { quick: 400, whole: 2000 } },
];

async function openForPages(bench: Bench): Promise<void> {
  await bench.run({ task: "open", target: bench.ours, players: bench.players, tabs: 1, atOnce: 32 });
  await fillPages(bench);
}

function wantedRows({ rows }: Act): Row[] {
  return rows.filter(({ title }) => title.toLowerCase().includes(options.only.toLowerCase()));
}

async function play(act: Act): Promise<Result[]> {
  const folder = mkdtempSync(join(tmpdir(), "causerie-bench-"));
  const flags = [
    ...(options.inspect ? [`--inspect=${options.inspect}`] : []),
    ...(options.profile ? [`--cpu-prof --cpu-prof-dir=${resolve(options.profile)}`] : []),
  ];
  const looking: Record<string, string> = flags.length > 0 ? { NODE_OPTIONS: flags.join(" ") } : {};
  const stage = await openStage(folder, { ...act.settings, ...looking });
  const loader = new Loader();
  const stop = async () => {
    await loader.stop();
    await stage.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  let isStopping = false;
  // A terminal and npm may both pass the signal on; the second must not end what the first began.
  const interrupt = () => {
    if (!isStopping) void stop().finally(() => process.exit(130));
    isStopping = true;
  };
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  try {
    const players = await makePlayers(stage, options.quick ? act.people.quick : act.people.whole);
    const bench = new Bench(stage, loader, players, options.quick, Number(options.crowd) * 1000);
    await act.prepare?.(bench);
    const results: Result[] = [];
    for (const row of wantedRows(act)) results.push(...(await measure(bench, row)));
    await countStored(bench);
    return results;
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
    await stop();
  }
}

async function measure(bench: Bench, row: Row): Promise<Result[]> {
  await row.prepare?.(bench);
  const rounds: Round[] = [];
  const count = Number(options.rounds ?? (options.quick ? 1 : (row.rounds ?? ROUNDS)));
  for (let number = 0; number < count; number += 1) {
    rounds.push(await row.round(bench, number));
    console.log(`${row.title}, round ${number + 1} of ${count}: ${JSON.stringify(rounds.at(-1))}`);
  }
  return resultsOf(row, rounds);
}

/** Every acknowledged message is a row of its table. */
async function countStored(bench: Bench): Promise<void> {
  const connection = await createConnection(bench.stage.databaseUrl("mysql"));
  const tables = { ours: "causerie.messages", relay: "relay.relay" };
  for (const [target, table] of Object.entries(tables)) {
    const acknowledged = bench.acknowledged[target] ?? 0;
    if (acknowledged === 0) continue;
    const [rows] = await connection.query<RowDataPacket[]>(`SELECT COUNT(*) AS stored FROM ${table}`);
    const stored: number = rows[0]?.stored ?? 0;
    if (stored !== acknowledged)
      throw new Error(`${table} has ${stored} rows for ${acknowledged} acknowledged`);
    console.log(`${table}: ${stored} rows for ${acknowledged} acknowledged messages`);
  }
  await connection.end();
  for (const voided of bench.voids) console.log(`VOID, ${voided}`);
}

function save(folder: string, results: Result[]): void {
  writeFileSync(join(folder, "bench.json"), `${JSON.stringify(results, null, 2)}\n`);
  const plot = latencyPlot(results);
  if (plot) writeFileSync(join(folder, "latency.svg"), plot);
}

const results: Result[] = [];
try {
  for (const act of acts.filter((each) => wantedRows(each).length > 0)) results.push(...(await play(act)));
} finally {
  // Also what was measured before something went wrong.
  printTable(results);
  if (options.save) save(options.save, results);
}
