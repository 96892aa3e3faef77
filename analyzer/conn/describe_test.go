package conn

import (
	"fmt"
	"strings"

	"finwait/analyzer/event"
)

// describe prints the facts of TCP in r, with client and server exchanged when
// the script was played swapped.
func describe(r *Record, swapped bool) string {
	var b strings.Builder
	ms := func(name string, t event.Time) {
		if t.Known() {
			fmt.Fprintf(&b, " %s@%g", name, float64(t)/1e6)
		}
	}
	side := func(s event.Side) event.Side {
		if swapped {
			return s.Peer()
		}
		return s
	}
	pair := func(name string, c, s int64) {
		if swapped {
			c, s = s, c
		}
		if c|s != 0 {
			fmt.Fprintf(&b, " %s %d/%d", name, c, s)
		}
	}
	fmt.Fprintf(&b, "handshake %s", r.Handshake)
	if r.SYNRetries > 0 {
		fmt.Fprintf(&b, " retries %d", r.SYNRetries)
	}
	fmt.Fprintf(&b, "\nfirst %s %s", side(r.FirstBy), r.How)
	ms("", r.CloseAt)
	if r.Initiator != r.FirstBy {
		fmt.Fprintf(&b, " initiator %s", side(r.Initiator))
	}
	if r.How == HowFIN {
		fmt.Fprintf(&b, "\nhalf")
		if r.ACKMissed {
			b.WriteString(" ack-missed")
		}
		ms("acked", r.FINAcked)
		ms("spoke", r.PeerSpoke)
		ms("late", r.LateData)
		ms("fin", r.PeerFIN)
		ms("finacked", r.PeerAcked)
		ms(r.EndedBy.String(), r.HalfEnd)
		fmt.Fprintf(&b, "%s", [...]string{"", " orphan", " held"}[r.HalfKind])
	}
	if r.Prompt {
		fmt.Fprintf(&b, "\nprompt")
	}
	if r.TimeWaitBy != event.NoSide {
		fmt.Fprintf(&b, "\ntime-wait %s", side(r.TimeWaitBy))
		ms("", r.TimeWaitAt)
	}
	fmt.Fprintf(&b, "\ncounts")
	pair("packets", int64(r.ClientPackets), int64(r.ServerPackets))
	pair("bytes", r.ClientBytes, r.ServerBytes)
	pair("retrans", int64(r.ClientRetrans), int64(r.ServerRetrans))
	pair("missing", r.ClientMissing, r.ServerMissing)
	if r.Copies > 0 {
		fmt.Fprintf(&b, " copies %d", r.Copies)
	}
	fmt.Fprintf(&b, "\nmarks%s\n", markWords(r.Marks))
	return b.String()
}

// requests prints what depends on who is the client: how the request at the
// close stood.
func requests(r *Record) string {
	if r.Sent == 0 {
		return ""
	}
	out := fmt.Sprintf("requests %d answered %d", r.Sent, r.Answered)
	if r.Outstanding {
		out += fmt.Sprintf(" outstanding %s since frame %d", r.Phase, r.RequestFrame)
		for _, x := range []struct {
			m    Mark
			word string
		}{
			{MarkRequestWhole, "whole"}, {MarkRequestRetrans, "retransmitted"}, {MarkResponseRetrans, "response-retransmitted"},
			{MarkRequestUnacked, "unacked"}, {MarkZeroWindow, "zero-window"}, {MarkDataAfterClose, "after-close"},
			{MarkSentIntoClosed, "into-closed"}, {MarkRequestUnread, "unread"}, {MarkRequestUnseen, "unseen"},
		} {
			if r.Marks&x.m != 0 {
				out += " " + x.word
			}
		}
	}
	if r.Queued {
		out += " queued"
	}
	if r.Outlasted {
		out += " outlasted"
	}
	if r.LateFrame != 0 {
		out += fmt.Sprintf(" late frame %d", r.LateFrame)
	}
	return out + "\n"
}

// markWords names the marks that do not depend on who is the client.
func markWords(m Mark) string {
	var b strings.Builder
	for _, x := range []struct {
		m    Mark
		word string
	}{
		{MarkMidStream, "mid-stream"}, {MarkOneSided, "one-sided"}, {MarkFlagsOnly, "flags-only"}, {MarkCutPayload, "cut"},
		{MarkClosed, "closed"}, {MarkReset, "reset"}, {MarkGaveUp, "gave-up"}, {MarkLateData, "late-data"},
		{MarkProbeAlive, "probe-alive"}, {MarkProbeReset, "probe-reset"}, {MarkChallengeACK, "challenge-ack"},
		{MarkAnsweredLate, "answered-late"}, {MarkCloseUnseen, "close-unseen"},
	} {
		if m&x.m != 0 {
			b.WriteString(" " + x.word)
		}
	}
	return b.String()
}
