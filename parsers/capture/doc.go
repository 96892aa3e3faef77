// Package capture reads packet captures and turns them into segments.
//
// A [Reader] goes through a stream of bytes in these steps:
//
//  1. stream: large plain reads into the memory of the batch that is being
//     filled; a record that the read cut in two is carried over;
//  2. scanner: pcap or pcapng framing in place, with a resynchronisation
//     after damage;
//  3. filter: an optional BPF program, matched by libpcap ([CompileFilter]);
//  4. decoder: link, network and tunnel headers down to the innermost TCP
//     header. Plain Ethernet frames take a short way (fast.go), everything
//     else the long one, which also puts IP fragments together.
//
// The headers are decoded by hand. gopacket knows neither link types above 255,
// such as the LINUX_SLL2 of tcpdump -i any, nor segments with a damaged option
// list; it compiles and runs filters, and the tests compare with it.
//
// A capture of one SYN from 10.0.0.1:45242 to 10.0.0.2:80 becomes one
// [event.Segment] with Frame 1, the flag SYN, Len 0 and the options that matter
// later; an ARP frame becomes nothing but a frame that was counted.
//
// What cannot be read is counted as an [event.Problem] with its first place.
// Only a failure to read the bytes is an error.
//
// Limitations: the innermost TCP header of a tunnel is reported, as Wireshark
// does, so an inner and an outer connection never appear together. ESP, MACsec
// and WPA payloads stay closed. A filter sees fragments, not datagrams, just as
// in tcpdump. Fragments that two files of a rotated capture share are not
// joined.
package capture
