package control_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drydock/engine/cluster/control"
)

func TestMeasure(t *testing.T) {
	for _, tt := range []struct {
		kind control.FaultKind
		text string
		want control.FaultRequest // its kind is filled in
		err  string
	}{
		{kind: control.FaultCut},
		{kind: control.FaultCut, text: "1s", err: `a cut has no measure, but got "1s"`},
		{kind: control.FaultDelay, text: "100ms", want: control.FaultRequest{Delay: 100 * time.Millisecond}},
		{kind: control.FaultDelay, text: "100", err: `"100" is no duration: write 100ms or 2s`},
		{kind: control.FaultDelay, text: "2m", err: "a delay of 2m0s: want more than 0 and at most a minute"},
		{kind: control.FaultLoss, text: "12.5%", want: control.FaultRequest{Percent: 12.5}},
		{kind: control.FaultLoss, text: "NaN", err: "loss of NaN%: want more than 0 and at most 100"},
		{kind: control.FaultLoss, text: "some", err: `"some" is no percentage: write 10%`},
		{kind: control.FaultReorder, text: "25", want: control.FaultRequest{Percent: 25}},
		{kind: control.FaultReorder, text: "0%", err: "reorder of 0%: want more than 0 and at most 100"},
		{kind: control.FaultBandwidth, text: "1.5Mbit", want: control.FaultRequest{Bandwidth: 1_500_000}},
		{kind: control.FaultBandwidth, text: "900bit", err: "a bandwidth of 900 bit/s: want at least 1kbit"},
		{kind: control.FaultBandwidth, text: "1MB", err: `"1MB" is no bandwidth: write 500kbit, 1mbit or 1gbit`},
		{kind: "melt", err: `there is no fault "melt"`},
	} {
		got := control.FaultRequest{Kind: tt.kind}
		err := got.Measure(tt.text)
		if err == nil {
			err = got.Verify()
		}
		switch {
		case tt.err != "":
			if err == nil || err.Error() != tt.err {
				t.Errorf("%s %q: error %v, want %s", tt.kind, tt.text, err, tt.err)
			}
			continue
		case err != nil:
			t.Errorf("%s %q: %v", tt.kind, tt.text, err)
		}
		tt.want.Kind = tt.kind
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s %q (-want +got):\n%s", tt.kind, tt.text, diff)
		}
	}
}

func FuzzMeasure(f *testing.F) {
	for _, text := range []string{"100ms", "10%", "1mbit", "", "-1%", "1e99gbit", "NaN%"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range control.FaultKinds {
			r := control.FaultRequest{Kind: kind}
			if r.Measure(text) != nil || r.Verify() != nil {
				continue
			}
			if r.Delay < 0 || r.Percent < 0 || r.Percent > 100 || r.Bandwidth < 0 {
				t.Errorf("%s %q was read as %+v", kind, text, r)
			}
		}
	})
}
