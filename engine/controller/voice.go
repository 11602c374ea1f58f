package controller

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"

	"drydock/engine/decision"
)

// Voice is how a part says what it does: Events for users, through the API, and decision records.
type Voice struct {
	// set once in NewVoice
	Name     string // of the part, "replicaset-controller"
	Resource string // what its keys name, "replicasets"; may be changed before Run
	cfg      Config

	recorder record.EventRecorder // set in speak, before anything is said
}

// NewVoice makes the voice of the part called name.
func NewVoice(name string, cfg Config) *Voice {
	if cfg.Decisions == nil {
		cfg.Decisions = decision.Discard
	}
	return &Voice{Name: name, Resource: strings.TrimSuffix(name, "-controller") + "s", cfg: cfg}
}

// speak opens the way for Events. client-go's correlator joins equal ones into one with a count, and similar ones beyond
// ten in ten minutes into one that says "combined from similar events".
func (v *Voice) speak(ctx context.Context) (stop func()) {
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: v.cfg.Client.CoreV1().Events("")})
	v.recorder = broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: v.Name})
	return broadcaster.Shutdown
}

// Speak is for parts without a Loop: Eventf may be called from now on until stop.
func (v *Voice) Speak(ctx context.Context) (stop func()) { return v.speak(ctx) }

// Normal records an Event about something that went as it should. It does not block. Only within Run.
func (v *Voice) Normal(about runtime.Object, reason, format string, args ...any) {
	v.recorder.Eventf(about, corev1.EventTypeNormal, reason, format, args...)
}

// Warning records an Event about something that did not. It does not block. Only within Run.
func (v *Voice) Warning(about runtime.Object, reason, format string, args ...any) {
	v.recorder.Eventf(about, corev1.EventTypeWarning, reason, format, args...)
}

// Decide writes a decision record in the name of the part.
func (v *Voice) Decide(r decision.Record) {
	r.Actor = v.Name
	v.cfg.Decisions.Record(r)
}
