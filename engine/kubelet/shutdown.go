package kubelet

import (
	"context"
	"sync"
	"time"
)

// How long pods have to end when the node is shut down: all of them together, and of that the critical ones, which go last.
//
// Kubernetes: shutdownGracePeriod and shutdownGracePeriodCriticalPods; both are 0 there unless configured, and then nothing is
// ended in order. These are the values its documentation uses.
const (
	ShutdownGrace         = 30 * time.Second
	shutdownGraceCritical = 10 * time.Second
)

// lastWord is how long a node that is shut down tries to tell an API server that does not answer.
const lastWord = 5 * time.Second

// criticalPriority is scheduling.SystemCriticalPriority: from here on a pod keeps the cluster itself alive.
const criticalPriority = 2_000_000_000

const (
	shutdownReason  = "Terminated"
	shutdownMessage = "Pod was terminated in response to imminent node shutdown."
	shutdownTrouble = "node is shutting down"
)

// ShutDown prepares the node for losing its power (KEP-2000): it becomes NotReady, takes no more pods, and its pods are ended,
// critical ones last. It returns when all have ended or time is up; Run goes on meanwhile and is for the caller to end.
func (k *Kubelet) ShutDown(ctx context.Context) {
	k.shutting.Store(true)
	// Side by side with the pods, but not left behind: who cuts the power when this returns must not cut off the word that it was cut.
	var told sync.WaitGroup
	defer told.Wait()
	told.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, lastWord)
		defer cancel()
		k.node.tell(ctx)
	})
	var ordinary, critical []*worker
	for _, w := range k.otherPods("") {
		pod, _ := w.current()
		if pod.Spec.Priority != nil && *pod.Spec.Priority >= criticalPriority {
			critical = append(critical, w)
		} else {
			ordinary = append(ordinary, w)
		}
	}
	endAll(ctx, ordinary, ShutdownGrace-shutdownGraceCritical)
	endAll(ctx, critical, shutdownGraceCritical)
}

// endAll ends pods side by side and waits for their last statuses to be written.
func endAll(ctx context.Context, workers []*worker, grace time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	var all sync.WaitGroup
	for _, w := range workers {
		pod, _ := w.current()
		if pod.DeletionTimestamp != nil {
			continue // is being ended already
		}
		done := w.end(ending{grace: int64(grace / time.Second), reason: shutdownReason, message: shutdownMessage})
		all.Go(func() {
			select {
			case <-done:
				w.status.flush(ctx)
			case <-w.done:
			case <-ctx.Done():
			}
		})
	}
	all.Wait()
}

// refuseWhileShutting is why a pod that arrives during the shutdown is not taken.
func (k *Kubelet) refuseWhileShutting() (reason, message string) {
	if !k.shutting.Load() {
		return "", ""
	}
	return "NodeShutdown", "Pod was rejected as the node is shutting down."
}

// trouble is why the node is not Ready although its runtime is well.
func (k *Kubelet) trouble() string {
	if k.shutting.Load() {
		return shutdownTrouble
	}
	return ""
}
