package apiserver

import (
	"encoding/binary"
	"io"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// eventWriter puts watch events on the wire: one JSON object a line, or protobuf messages each after its length in four
// bytes, big end first.
type eventWriter struct {
	s     *Server
	w     io.Writer
	http  *http.ResponseController
	form  form
	start func()

	table   *tableMaker // nil unless the client asked for tables
	written bool        // something waits to be flushed
}

func newEventWriter(s *Server, q *call) (*eventWriter, error) {
	out := &eventWriter{s: s, w: q.w, http: http.NewResponseController(q.w), form: q.form}
	out.form.pretty = false // one event is one line
	contentType := q.form.media
	if contentType == mediaProtobuf {
		contentType += ";stream=watch"
	}
	out.start = func() { startHeaders(q.w, contentType) }
	if q.form.as != nil && q.form.as.Kind == "Table" {
		var err error
		if out.table, err = newTableMaker(q); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// entry sends one event about one object, in the form that the client reads objects.
func (o *eventWriter) entry(kind watch.EventType, e *entry) error {
	raw, err := o.encode(kind, e)
	if err != nil {
		return err
	}
	return o.frame(kind, raw)
}

func (o *eventWriter) encode(kind watch.EventType, e *entry) ([]byte, error) {
	switch {
	case o.form.as == nil:
		return o.plain(e)
	case o.table != nil:
		table, err := o.table.make(e, kind == watch.Bookmark)
		if err != nil {
			return nil, err
		}
		return o.form.encode(table)
	}
	return o.form.encode(partialMetadata(e, o.form.as.GroupVersion()))
}

// plain is the object as itself, encoded once for all watchers.
func (o *eventWriter) plain(e *entry) ([]byte, error) {
	if o.form.media == mediaJSON {
		return e.json()
	}
	return o.form.encodeEntry(e)
}

// fail ends the stream with an ERROR event. Whether the client still hears it does not matter: the stream is over.
func (o *eventWriter) fail(err error) {
	raw, encodeErr := o.form.encode(statusOf(err))
	if encodeErr == nil && o.frame(watch.Error, raw) == nil {
		_ = o.flush()
	}
}

func (o *eventWriter) frame(kind watch.EventType, raw []byte) error {
	o.written = true
	if o.form.media == mediaProtobuf {
		return o.protobufFrame(kind, raw)
	}
	for len(raw) > 0 && raw[len(raw)-1] == '\n' {
		raw = raw[:len(raw)-1]
	}
	if _, err := io.WriteString(o.w, `{"type":"`+string(kind)+`","object":`); err != nil {
		return err
	}
	if _, err := o.w.Write(raw); err != nil {
		return err
	}
	_, err := io.WriteString(o.w, "}\n")
	return err
}

func (o *eventWriter) protobufFrame(kind watch.EventType, raw []byte) error {
	event := metav1.WatchEvent{Type: string(kind)}
	event.Object.Raw = raw
	message, err := event.Marshal()
	if err != nil {
		return err
	}
	framed := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(message)), uint32(len(message)))
	_, err = o.w.Write(append(framed, message...))
	return err
}

// flush hands what was written to the network. The first flush also sends the headers.
func (o *eventWriter) flush() error {
	o.written = false
	return o.http.Flush()
}
