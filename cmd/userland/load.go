package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"
)

var _ = register("load", "[-c CLIENTS] [-d DURATION] [-r REQUESTS_PER_SECOND] URL", load) &&
	register("burn", "cpu [CORES] | mem SIZE [-d DURATION]   (uses up what it is told to)", burn)

// loadResult counts requests, shared by the clients.
type loadResult struct {
	mu sync.Mutex
	// guarded by mu
	took   []time.Duration
	codes  map[int]int
	errors map[string]int
}

func (r *loadResult) add(took time.Duration, code int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.errors[reason(err)]++
		return
	}
	r.took = append(r.took, took)
	r.codes[code]++
}

func load(p *process) int {
	o, ok := p.options("c:d:r:")
	if !ok || len(o.rest) != 1 {
		return p.misuse()
	}
	clients, errC := count(o.value('c', "10"))
	rate, errR := count(o.value('r', "0"))
	limit, errD := duration(o.value('d', "10s"))
	if errC != nil || errR != nil || errD != nil || clients < 1 {
		return p.misuse()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	result := &loadResult{codes: map[int]int{}, errors: map[string]int{}}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: int(clients)}}
	began := time.Now()
	var group sync.WaitGroup
	for range clients {
		group.Go(func() { loadClient(ctx, client, completeURL(o.rest[0]), float64(rate)/float64(clients), result) })
	}
	group.Wait()
	result.print(p.stdout, time.Since(began))
	if len(result.errors) > 0 {
		return 1
	}
	return 0
}

// loadClient asks again and again; with a rate it keeps to it.
func loadClient(ctx context.Context, client *http.Client, address string, rate float64, result *loadResult) {
	var tick <-chan time.Time
	if rate > 0 {
		ticker := time.NewTicker(time.Duration(float64(time.Second) / rate))
		defer ticker.Stop()
		tick = ticker.C
	}
	for ctx.Err() == nil {
		began := time.Now()
		code, err := loadOnce(ctx, client, address)
		if ctx.Err() != nil {
			return // cut off by the end, says nothing
		}
		result.add(time.Since(began), code, err)
		if tick != nil {
			select {
			case <-tick:
			case <-ctx.Done():
			}
		}
	}
}

func loadOnce(ctx context.Context, client *http.Client, address string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

func (r *loadResult) print(w io.Writer, spent time.Duration) {
	slices.Sort(r.took)
	failed := 0
	for _, n := range r.errors {
		failed += n
	}
	fmt.Fprintf(w, "requests  %d in %.1f s (%.1f a second)\nerrors    %d\n", len(r.took), spent.Seconds(), float64(len(r.took))/spent.Seconds(), failed)
	for text, n := range r.errors {
		fmt.Fprintf(w, "          %d x %s\n", n, text)
	}
	for code, n := range r.codes {
		fmt.Fprintf(w, "status    %d: %d\n", code, n)
	}
	if n := len(r.took); n > 0 {
		at := func(percent int) time.Duration { return r.took[min(n-1, n*percent/100)].Round(time.Microsecond) }
		fmt.Fprintf(w, "latency   p50 %v  p90 %v  p99 %v  max %v\n", at(50), at(90), at(99), r.took[n-1].Round(time.Microsecond))
	}
}

func burn(p *process) int {
	o, ok := p.options("d:")
	limit, err := duration(o.value('d', "infinity"))
	if !ok || err != nil || len(o.rest) == 0 {
		return p.misuse()
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	amount := int64(1)
	if len(o.rest) > 1 {
		if amount, err = count(o.rest[1]); err != nil {
			return p.fail(err)
		}
	}
	switch o.rest[0] {
	case "cpu":
		fmt.Fprintf(p.stdout, "burning %d cores\n", amount)
		for range amount {
			go func() {
				for n := uint(1); n != 0; n = n*3 | 1 {
				}
			}()
		}
	case "mem":
		held := fillMemory(p.stdout, amount)
		defer func() { _ = held }()
	default:
		return p.misuse()
	}
	select {
	case <-stop:
	case <-time.After(limit):
	}
	return 0
}

// fillMemory touches every page, so that it counts; it goes up in steps, so that one can watch.
func fillMemory(w io.Writer, size int64) [][]byte {
	const step = 10 << 20
	var held [][]byte
	for total := int64(0); total < size; {
		n := min(step, size-total)
		block := make([]byte, n)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		held = append(held, block)
		total += n
		fmt.Fprintf(w, "holding %s\n", human(total))
	}
	return held
}
