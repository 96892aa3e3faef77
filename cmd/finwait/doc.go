// Finwait reads packet captures after an incident and says who closed which
// connection, why, and how long the other end kept its half open.
//
//	finwait INPUT...                   the verdict, over all inputs
//	finwait flows INPUT...             one row a connection
//	finwait show INPUT... --stream N   one connection, segment by segment
//	finwait explain WORD               what a word of the output means
//
// main.go builds the commands, one file each; run.go feeds inputs to the
// analyzer; output.go decides where and how results are written; message.go is
// the voice in which failures are told.
package main
