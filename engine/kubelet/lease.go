package kubelet

import (
	"context"
	"fmt"
	"time"

	"drydock/engine/listwatch"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// heartbeat renews the node's Lease: the small, frequent sign of life from which the node lifecycle controller concludes
// that a node is gone (KEP-589).
type heartbeat struct {
	client   Client
	node     string
	duration time.Duration

	// owned by run
	lease *coordinationv1.Lease // as the API server knows it; nil before the first success
}

// period is upstream's nodeLeaseRenewIntervalFraction.
func (h *heartbeat) period() time.Duration { return h.duration / 4 }

// run renews every period until ctx ends, and sooner after a failure.
func (h *heartbeat) run(ctx context.Context) error {
	delay := firstRetry
	for {
		pause := h.period()
		if err := h.renew(ctx); err != nil {
			pause, delay = delay, min(2*delay, h.period())
		} else {
			delay = firstRetry
		}
		if !listwatch.Wait(ctx, pause) {
			return ctx.Err()
		}
	}
}

func (h *heartbeat) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.period())
	defer cancel()
	if h.lease == nil {
		return h.acquire(ctx)
	}
	next := h.lease.DeepCopy()
	now := metav1.NowMicro()
	next.Spec.RenewTime = &now
	next.Spec.LeaseDurationSeconds = ptr.To(int32(h.duration / time.Second))
	updated, err := h.client.UpdateLease(ctx, next)
	if err != nil {
		h.lease = nil // whatever went wrong, read it afresh next time
		return fmt.Errorf("renew lease %s: %w", h.node, err)
	}
	h.lease = updated
	return nil
}

func (h *heartbeat) acquire(ctx context.Context) error {
	known, err := h.client.Lease(ctx, corev1.NamespaceNodeLease, h.node)
	if err == nil {
		h.lease = known
		return h.renew(ctx)
	}
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("read lease %s: %w", h.node, err)
	}
	node, err := h.client.Node(ctx, h.node)
	if err != nil {
		return fmt.Errorf("read node %s for its lease: %w", h.node, err)
	}
	created, err := h.client.CreateLease(ctx, newLease(node, h.duration))
	if err != nil {
		return fmt.Errorf("create lease %s: %w", h.node, err)
	}
	h.lease = created
	return nil
}

// newLease is owned by the node, so that garbage collection removes it with the node.
func newLease(node *corev1.Node, duration time.Duration) *coordinationv1.Lease {
	seconds, now := int32(duration/time.Second), metav1.NowMicro()
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Name: node.Name, Namespace: corev1.NamespaceNodeLease,
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID}},
		},
		Spec: coordinationv1.LeaseSpec{HolderIdentity: &node.Name, LeaseDurationSeconds: &seconds, RenewTime: &now},
	}
}
