package store

// history is the events of the window, oldest first, without a gap. It has no lock of its own.
type history struct {
	window    Window
	events    []Event
	bytes     int64 // of the values the events replaced
	compacted int64 // the revision before the first event: the oldest readable one
}

func (h *history) append(e Event) {
	h.events = append(h.events, e)
	h.bytes += replaced(e)
}

// replaced is how much memory the event holds that nothing else holds: its old value.
func replaced(e Event) int64 {
	if e.Prev == nil {
		return 0
	}
	return int64(len(e.Prev.Value))
}

// trim drops the oldest events that are outside the window and calls dropped for each, after moving compacted past it.
func (h *history) trim(dropped func(Event)) {
	for len(h.events) > h.window.Events || (h.bytes > h.window.Bytes && len(h.events) > 1) {
		e := h.events[0]
		h.events[0] = Event{} // the array lives on, the values should not
		h.events = h.events[1:]
		h.bytes -= replaced(e)
		h.compacted = e.Revision
		dropped(e)
	}
}
