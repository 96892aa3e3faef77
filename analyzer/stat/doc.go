// Package stat turns durations and counts into the few numbers a report may
// state: quantiles under censoring, the timers that waiting times betray,
// whether two captures differ by more than chance, and how many sockets were
// in a state at once.
//
//  1. [Dist] collects durations, some of them only lower bounds (the capture
//     ended, the client gave up). Shards merge in any order into the same state.
//  2. [Curve] is the Kaplan–Meier estimate of a Dist; quantiles and survival
//     with confidence bounds are read from it.
//  3. [Modes] finds the values at which many waiting times coincide: timers.
//  4. [MannWhitney] and [LogRank] compare the durations of two sides, [CompareRates]
//     and [CompareShares] their counts, [CompareBursts] counts that cluster; [Holm]
//     corrects for the number of tests.
//  5. [Peak] and [Series] count intervals that overlap.
//
// For example the waiting times 500.2 ms, 500.3 ms, 500.9 ms and 71 ms hold one
// mode: 500 ms, with three members.
//
// Whatever weakens a result travels with it as a [Warning]. Everything is
// deterministic and depends only on what was added, never on the order.
//
// Limitations: a Dist of more than 512 values keeps buckets, so its quantiles
// are off by up to 0.4 percent. Censoring is taken to say nothing about the
// duration it cut off; a capture that ends, or a client's timer, satisfies that.
package stat
