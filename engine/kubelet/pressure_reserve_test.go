package kubelet

import "testing"

// TestDiskReserve is inside the package because the gauge is the real file system of whoever runs the test.
func TestDiskReserve(t *testing.T) {
	for capacity, want := range map[uint64]uint64{5_000_000_000: 500_000_000, 250 << 30: 1 << 30} {
		if got := diskReserve(capacity); got != want {
			t.Errorf("of %d bytes %d stay free, want %d", capacity, got, want)
		}
	}
}
