package footprint

// An internal test: what may be let go is decided by reading, and a mistake would end the process.

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestClean(t *testing.T) {
	const smaps = `00400000-00500000 r-xp 00000000 fe:00 11 /opt/a program
Rss:                 100 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
00500000-00600000 r--p 00100000 fe:00 11 /opt/a program
Anonymous:             8 kB
00600000-00700000 rw-p 00200000 fe:00 11 /opt/a program
Anonymous:             0 kB
00700000-00800000 r--p 00000000 fe:00 12 /lib/other
Anonymous:             0 kB
00800000-00900000 r--p 00000000 00:00 0
Anonymous:             0 kB
00900000-00a00000 r--p 00200000 fe:00 11 /opt/a program
Anonymous:             0 kB
`
	want := []area{{0x400000, 0x500000}, {0x900000, 0xa00000}}
	if d := cmp.Diff(want, clean([]byte(smaps), "/opt/a program"), cmp.AllowUnexported(area{})); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}
