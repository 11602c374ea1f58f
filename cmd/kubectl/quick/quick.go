// Package quick makes kubectl start with about two thirds of the work (measured: 22 to 24 ms of processor time instead of 36
// to 45 ms). A script of a lesson starts it half a dozen times, and a batch of submissions some thousand times.
//
// kubectl looks for plugins in every folder of PATH to name them in its help, also when nobody has asked for that: 1.4 ms.
//
// kubectl translates every text of its commands while it starts. In English that is 150 kB of catalogue, unpacked and parsed
// to find that each text stands for itself. And what it has made by then is collected twice, though hardly any is garbage.
package quick

import (
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"k8s.io/kubectl/pkg/util/i18n"
)

// Spared tells whether texts were asked for and their loading spared. It is set while the program is initialised.
var Spared bool

// Before any other package of kubectl asks for a text: Go initialises packages in the order of their paths as soon as what
// they import is ready (go.dev/ref/spec, "Program initialization"), and this one needs no more than the translations.
func init() {
	if os.Getenv("GOGC") == "" {
		// Most calls end before there is anything worth collecting. One that stays is held to what it needs by the limit.
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(64 << 20)
	}
	if English(os.Getenv) {
		// Refused once they are loaded: then there is nothing to spare.
		_ = i18n.SetLoadTranslationsFunc(func() error {
			Spared = true
			return nil
		})
	}
}

// plain are the commands of kubectl that nobody can extend by a plugin.
var plain = []string{
	"annotate", "api-resources", "apply", "attach", "cp", "delete", "describe", "edit", "events", "exec", "expose", "get", "label", "logs",
	"patch", "replace", "rollout", "run", "scale", "set", "wait",
}

// Plain tells whether a command line is one to which plugins make no difference: a command of kubectl's own, and no word of
// help.
func Plain(args []string) bool {
	if len(args) == 0 || !slices.Contains(plain, args[0]) {
		return false
	}
	return !slices.ContainsFunc(args, func(arg string) bool {
		return arg == "-h" || strings.HasPrefix(arg, "--help")
	})
}

// WithoutPlugins runs a function that looks for plugins and lets it find none.
func WithoutPlugins(make func()) {
	path, was := os.LookupEnv("PATH")
	_ = os.Unsetenv("PATH") // fails for names that are none only
	make()
	if was {
		_ = os.Setenv("PATH", path)
	}
}

// English tells whether kubectl would speak English: it reads the first of three variables, and knows a language by what
// stands before the dot. A language that it does not know counts as another one: kubectl finds that out itself.
func English(env func(string) string) bool {
	for _, variable := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := env(variable); value != "" {
			name, _, coded := strings.Cut(value, ".")
			return !coded || name == "C" || name == "POSIX" || name == "en_US"
		}
	}
	return true
}
