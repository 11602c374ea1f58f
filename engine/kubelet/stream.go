package kubelet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// serveExec, serveAttach and servePortForward ask the runtime where it serves the stream and join the caller's connection to
// it; what is spoken on it (SPDY or WebSocket) is between the two ends.

func (k *Kubelet) serveExec(w http.ResponseWriter, r *http.Request) {
	c, ok := k.streamContainer(w, r)
	if !ok {
		return
	}
	q := r.URL.Query()
	answer, err := k.cfg.Runtime.Exec(r.Context(), &runtimeapi.ExecRequest{
		ContainerId: c, Cmd: q["command"], Tty: q.Get("tty") == "1",
		Stdin: q.Get("input") == "1", Stdout: q.Get("output") == "1", Stderr: q.Get("error") == "1" && q.Get("tty") != "1",
	})
	joinStream(w, r, answer.GetUrl(), err)
}

func (k *Kubelet) serveAttach(w http.ResponseWriter, r *http.Request) {
	c, ok := k.streamContainer(w, r)
	if !ok {
		return
	}
	spec := findContainer(k.findPod(r.PathValue("namespace"), r.PathValue("pod")), r.PathValue("container"))
	q := r.URL.Query()
	answer, err := k.cfg.Runtime.Attach(r.Context(), &runtimeapi.AttachRequest{
		ContainerId: c, Tty: spec.TTY, // whether there is a terminal was decided when the container was made
		Stdin: q.Get("input") == "1", Stdout: q.Get("output") == "1", Stderr: q.Get("error") == "1" && !spec.TTY,
	})
	joinStream(w, r, answer.GetUrl(), err)
}

func (k *Kubelet) servePortForward(w http.ResponseWriter, r *http.Request) {
	pod := k.findPod(r.PathValue("namespace"), r.PathValue("pod"))
	if pod == nil {
		http.Error(w, "pod does not exist", http.StatusNotFound)
		return
	}
	view, err := readView(r.Context(), k.cfg.Runtime, pod.UID)
	if err == nil && view.readySandboxes() == 0 {
		err = fmt.Errorf("pod not found (%q)", podText(pod))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer, err := k.cfg.Runtime.PortForward(r.Context(), &runtimeapi.PortForwardRequest{PodSandboxId: view.sandboxes[0].Id})
	joinStream(w, r, answer.GetUrl(), err)
}

// streamContainer finds the running container that the request's path names, or answers the request itself.
func (k *Kubelet) streamContainer(w http.ResponseWriter, r *http.Request) (string, bool) {
	pod := k.findPod(r.PathValue("namespace"), r.PathValue("pod"))
	if pod == nil {
		http.Error(w, "pod does not exist", http.StatusNotFound)
		return "", false
	}
	name := r.PathValue("container")
	if findContainer(pod, name) == nil {
		http.Error(w, fmt.Sprintf("container %s is not valid for pod %s", name, pod.Name), http.StatusNotFound)
		return "", false
	}
	view, err := readView(r.Context(), k.cfg.Runtime, pod.UID)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return "", false
	}
	c := view.container(name)
	if c == nil || !c.running() {
		http.Error(w, fmt.Sprintf("container not found (%q)", name), http.StatusNotFound)
		return "", false
	}
	return c.id, true
}

// joinStream connects the caller to the runtime's streaming server, unless the runtime has refused.
func joinStream(w http.ResponseWriter, r *http.Request, location string, err error) {
	if err != nil {
		http.Error(w, runtimeMessage(err), http.StatusInternalServerError)
		return
	}
	if err := splice(w, r, location); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

// splice sends the request on to location and copies bytes both ways until either side is done. Errors are only returned
// before the caller's connection has been taken over.
func splice(w http.ResponseWriter, r *http.Request, location string) error {
	target, err := url.Parse(location)
	if err != nil {
		return fmt.Errorf("streaming address %q: %w", location, err)
	}
	var dialer net.Dialer
	network, address := "tcp", target.Host
	if target.Scheme == "unix" {
		network, address = "unix", target.Host
	}
	backend, err := dialer.DialContext(r.Context(), network, address)
	if err != nil {
		return fmt.Errorf("connect to the runtime's streams: %w", err)
	}
	defer backend.Close()
	forward := r.Clone(context.WithoutCancel(r.Context()))
	forward.URL = &url.URL{Path: target.Path, RawQuery: target.RawQuery}
	forward.Host = target.Host
	if err := forward.Write(backend); err != nil {
		return fmt.Errorf("send the request to the runtime's streams: %w", err)
	}
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return fmt.Errorf("take over the connection: %w", err)
	}
	defer client.Close()
	copyBoth(client, buffered, backend)
	return nil
}

// copyBoth ends when the backend has nothing more to say, or when the client is gone.
func copyBoth(client net.Conn, fromClient io.Reader, backend net.Conn) {
	var both sync.WaitGroup
	both.Go(func() {
		_, err := io.Copy(backend, fromClient)
		if half, ok := backend.(interface{ CloseWrite() error }); ok && err == nil {
			_ = half.CloseWrite()
			return
		}
		backend.Close()
	})
	_, err := io.Copy(client, backend)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		backend.Close()
	}
	client.Close() // ends the other direction
	both.Wait()
}
