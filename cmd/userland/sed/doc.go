// Package sed is the stream editor: a script is parsed once, then run over lines.
//
// It has the commands s y p P d D n N g G h H x i a c q Q = { } b t T : l and w to standard output, addresses by number, $, /re/,
// first~step, ranges and !, flags g p i and a count. Left out: files of r and w other than /dev/stdout.
package sed
