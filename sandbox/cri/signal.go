package cri

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// stopSignal is the signal that asks a container to end: the pod's wish, else the image's, else SIGTERM. Images write it
// as a name, with or without SIG, or as a number.
func stopSignal(wish runtimeapi.Signal, fromImage string) (syscall.Signal, error) {
	name := fromImage
	if wish != runtimeapi.Signal_SIGNAL_RUNTIME_DEFAULT {
		name = strings.TrimPrefix(wish.String(), "SIGNAL_")
	}
	if name == "" {
		return syscall.SIGTERM, nil
	}
	if n, err := strconv.Atoi(name); err == nil && n > 0 && n <= lastSignal {
		return syscall.Signal(n), nil
	}
	upper := strings.ToUpper(name)
	if !strings.HasPrefix(upper, "SIG") {
		upper = "SIG" + upper
	}
	if sig := realtimeSignal(upper); sig != 0 {
		return sig, nil
	}
	if sig := unix.SignalNum(upper); sig != 0 {
		return sig, nil
	}
	return 0, fmt.Errorf("stop signal %q: no such signal", name)
}

// The real-time signals as glibc numbers them (signal(7)): it keeps the first two for itself.
const (
	firstRealtime = 34
	lastSignal    = 64
)

// realtimeSignal reads SIGRTMIN, SIGRTMIN+3, SIGRTMINPLUS3 (as the interface writes it), SIGRTMAX-1 …; 0 when it is none.
func realtimeSignal(name string) syscall.Signal {
	name = strings.NewReplacer("PLUS", "+", "MINUS", "-").Replace(name)
	for prefix, base := range map[string]int{"SIGRTMIN": firstRealtime, "SIGRTMAX": lastSignal} {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		offset := 0
		if rest != "" {
			var err error
			if offset, err = strconv.Atoi(rest); err != nil {
				return 0
			}
		}
		if n := base + offset; n >= firstRealtime && n <= lastSignal {
			return syscall.Signal(n)
		}
	}
	return 0
}

// signalNumber is the interface's word for a signal.
func signalNumber(sig syscall.Signal) runtimeapi.Signal {
	return runtimeapi.Signal(runtimeapi.Signal_value["SIGNAL_"+unix.SignalName(sig)])
}
