package glossary

// guides are longer instructions.
func guides() []Entry {
	return []Entry{
		{Word: "capture", Kind: Guide, Aliases: []string{"record", "tcpdump", "strace"}, Short: "how to record the next incident",
			Means: "Record on the client's host if you can: it shows when the client gave up. 256 bytes a packet hold request lines and headers; whole packets also tell how far a body had come. Files in a ring of fixed size can run until the incident comes, and are read together.",
			Verbatim: []string{
				"# packets of one service, a ring of 20 files of 100 MB",
				"tcpdump -i any -s 256 -C 100 -W 20 -w /var/tmp/finwait.pcap 'tcp port 8080'",
				"",
				"# every connection's beginning and end only, where traffic is heavy:",
				"# who closed first and how long half-closes last, but no requests",
				"tcpdump -i any -s 96 -w ends.pcap 'tcp port 8080 and tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0'",
				"",
				"# the program's side, for a short time: it slows the program down",
				"strace -f -ttt -T -yy -s 256 -e trace=network,desc,process -o client.strace -p PID",
				"",
				"# then",
				"finwait /var/tmp/finwait.pcap*",
			},
			Do: "Check that the kernel dropped nothing (tcpdump says so when it ends; a larger -B helps). Do not record on a mirror port if you can help it: it may drop and duplicate packets."},
	}
}
