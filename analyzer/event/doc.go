// Package event is the vocabulary that parsers and the analyzer share: what
// was seen, where, and when. It depends on the standard library only.
//
// A capture becomes [Segment] values in a [Batch]; a strace log becomes [Call]
// values. Either may come with [Problem] values: input that could not be read,
// counted by kind, with the first place where it happened.
//
// Limitations: frame and line numbers are 32 bits wide, so that a finished
// connection stays small. A stream of more than 4,294,967,295 frames or lines
// keeps the last number for the rest.
package event
