package shell

import (
	"errors"
	"fmt"
	"strings"
)

// flags is what stands before the script on the shell's command line.
type flags struct {
	command            string // of -c
	isCommand          bool
	interactive, login bool
	options            []string // of interp.Params: -e, -x …
	rest               []string // script (or $0) and arguments
}

func parseFlags(args []string) (flags, error) {
	var f flags
	readsStdin := false
	for len(args) > 0 && len(args[0]) > 1 && (args[0][0] == '-' || args[0][0] == '+') {
		word := args[0]
		args = args[1:]
		if word == "--" {
			break
		}
		if word == "--login" {
			f.login = true
			continue
		}
		if strings.HasPrefix(word, "--") {
			return f, fmt.Errorf("bad option '%s'", word)
		}
		for _, letter := range word[1:] {
			switch letter {
			case 'c':
				f.isCommand = true
			case 'i':
				f.interactive = true
			case 'l':
				f.login = true
			case 's':
				readsStdin = true
			case 'm', 'b', 'h':
			case 'o':
				if len(args) == 0 {
					return f, errors.New("-o requires an argument")
				}
				f.options = append(f.options, word[:1]+"o", args[0])
				args = args[1:]
			default:
				f.options = append(f.options, word[:1]+string(letter))
			}
		}
	}
	if f.isCommand {
		if len(args) == 0 {
			return f, errors.New("-c requires an argument")
		}
		f.command, args = args[0], args[1:]
	}
	if f.rest = args; readsStdin && !f.isCommand {
		f.rest = nil
	}
	return f, nil
}
