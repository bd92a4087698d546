/** How much a dataset holds. The rest of its shape is the same for all, so that only size tells them apart. */
export interface Size {
  name: SizeName;
  users: number;
  messages: number;
  /** Messages in the one long conversation, between persons 1 and 2. */
  longest: number;
  /** Conversations of person 1, the long one among them. */
  busiest: number;
  /** Conversations of everybody else. */
  others: number;
}

export type SizeName = "small" | "middle" | "big";

/** The long conversation of the small one is long enough to catch up by 10,000 changes there too. */
export const SIZES: Record<SizeName, Size> = {
  small: { name: "small", users: 1000, messages: 20_000, longest: 10_000, busiest: 50, others: 2500 },
  middle: {
    name: "middle",
    users: 10_000,
    messages: 500_000,
    longest: 100_000,
    busiest: 500,
    others: 25_000,
  },
  big: {
    ...{ name: "big", users: 100_000, messages: 10_000_000 },
    ...{ longest: 1_000_000, busiest: 5000, others: 250_000 },
  },
};

/** The one with `busiest` conversations, and with whom the long one is. */
export const BUSY_PERSON = 1;
export const LONG_PARTNER = 2;

/** Raised whenever the rows that are made change, so that kept data is made anew. */
export const RECIPE = 1;
