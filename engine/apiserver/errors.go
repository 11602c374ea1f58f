package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"drydock/engine/store"
)

// lockMessage is what every kubectl user has read once. The text is part of the API: clients look for it.
const lockMessage = "the object has been modified; please apply your changes to the latest version and try again"

func conflict(gr schema.GroupResource, name string) error {
	return apierrors.NewConflict(gr, name, errors.New(lockMessage))
}

// storeError puts what the store said about an object into the API's words.
func storeError(err error, gr schema.GroupResource, name string) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return apierrors.NewNotFound(gr, name)
	case errors.Is(err, store.ErrExists):
		return apierrors.NewAlreadyExists(gr, name)
	case errors.Is(err, store.ErrConflict):
		return conflict(gr, name)
	}
	return err
}

func internalError(err error) error { return apierrors.NewInternalError(err) }

// statusOf is the body of an error answer. An error that is no API status becomes a 500 with its text, as upstream's do.
func statusOf(err error) *metav1.Status {
	var known apierrors.APIStatus
	if errors.As(err, &known) {
		status := known.Status()
		if status.Code == 0 {
			status.Code = http.StatusInternalServerError
		}
		status.Kind, status.APIVersion = "Status", "v1"
		return &status
	}
	return &metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure,
		Code:     http.StatusInternalServerError,
		Reason:   metav1.StatusReasonUnknown,
		Message:  err.Error(),
	}
}

// writeError answers with a Status in a form that the client reads. A client that has gone away gets nothing.
func (q *call) writeError(err error) {
	if errors.Is(err, context.Canceled) && q.ctx().Err() != nil {
		return
	}
	status := statusOf(err)
	if status.Code == http.StatusForbidden {
		q.w.Header().Set("X-Content-Type-Options", "nosniff")
	}
	if status.Details != nil && status.Details.RetryAfterSeconds > 0 {
		q.w.Header().Set("Retry-After", strconv.Itoa(int(status.Details.RetryAfterSeconds)))
	}
	form, ok := negotiate(q.r, false)
	if !ok || form.as != nil {
		form = formOf(mediaJSON)
	}
	body, encodeErr := form.encode(status)
	if encodeErr != nil {
		http.Error(q.w, encodeErr.Error(), http.StatusInternalServerError)
		return
	}
	q.respond(int(status.Code), form.contentType(), body)
}

// plainStatus is an error of upstream's that has a code and a reason but no constructor in apierrors.
func plainStatus(code int, reason metav1.StatusReason, message string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: int32(code), Reason: reason, Message: message,
	}}
}

func notAcceptable(accepted []string) error {
	return plainStatus(http.StatusNotAcceptable, metav1.StatusReasonNotAcceptable,
		"only the following media types are accepted: "+strings.Join(accepted, ", "))
}

func unsupportedMediaType(accepted []string) error {
	return plainStatus(http.StatusUnsupportedMediaType, metav1.StatusReasonUnsupportedMediaType,
		"the body of the request was in an unknown format - accepted media types include: "+strings.Join(accepted, ", "))
}

// tooLargeVersion answers a read of a moment that has not happened; clients know the cause and try again.
func tooLargeVersion(asked, current int64) error {
	err := apierrors.NewTimeoutError(fmt.Sprintf("Too large resource version: %d, current: %d", asked, current), 1)
	err.ErrStatus.Details.Causes = []metav1.StatusCause{{
		Type: metav1.CauseTypeResourceVersionTooLarge, Message: "Too large resource version",
	}}
	return err
}
