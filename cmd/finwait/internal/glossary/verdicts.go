package glossary

// verdicts are the words of a comparison.
func verdicts() []Entry {
	return []Entry{
		{Word: "improved", Kind: Verdict, Short: "less of what hurts, and not by chance", Means: "The change is large enough to matter and, corrected for the number of rows, too unlikely for chance.", See: []string{"regressed", "unsure"}},
		{Word: "regressed", Kind: Verdict, Short: "more of what hurts, and not by chance", Means: "The change is large enough to matter and, corrected for the number of rows, too unlikely for chance.", Do: "--fail-on diff:regressed makes a pipeline stop on it.", See: []string{"improved", "unsure"}},
		{Word: "unchanged", Kind: Verdict, Short: "what differs is within chance", Means: "There is enough data to rule out a large change, and the one that was seen is small. In tables it is a ~.", See: []string{"unsure"}},
		{Word: "unsure", Kind: Verdict, Short: "too little data to tell", Means: "A change of a size that matters can neither be shown nor ruled out.", Do: "Record longer, or at a busier hour, on both sides.", See: []string{"unchanged"}},
		{Word: "new", Kind: Verdict, Short: "only the later side has it", Means: "A server, client or endpoint that the earlier side does not show."},
		{Word: "gone", Kind: Verdict, Short: "only the earlier side has it", Means: "A server, client or endpoint that the later side does not show. One that moved to another address is matched by its name, or with --map OLD=NEW."},
	}
}
