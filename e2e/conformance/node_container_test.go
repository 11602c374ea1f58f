package conformance_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestCommandAndArguments(t *testing.T) {
	r := enter(t)
	r.pod("image", server(web))
	args := server(web)
	args.Containers[0].Args = []string{"-p", "9191"}
	r.pod("args", args)
	r.awaitPod("image", running)
	r.awaitPod("args", running)
	command := server(web)
	command.Containers[0].Command = []string{"/bin/echo"}
	r.said("command", command, "\n")
	command.Containers[0].Args = []string{"both", "given"}
	r.said("both", command, "both given\n")
	for pod, want := range map[string]string{"image": "listening on port 8080\n", "args": "listening on port 9191\n"} {
		if out := r.logs(pod); !strings.HasSuffix(out, want) {
			r.Errorf("%s says %q, want %q", pod, out, want)
		}
	}
}

func lastWords(script string, policy corev1.TerminationMessagePolicy) corev1.PodSpec {
	spec := sh(script)
	spec.Containers[0].TerminationMessagePolicy = policy
	return spec
}

func TestTerminationMessages(t *testing.T) {
	r := enter(t)
	elsewhere := lastWords("printf done > /dev/my-message", corev1.TerminationMessageReadFile)
	elsewhere.Containers[0].TerminationMessagePath = "/dev/my-message"
	elsewhere.Containers[0].SecurityContext = &corev1.SecurityContext{RunAsUser: new(int64(1000))}
	for name, test := range map[string]struct {
		spec corev1.PodSpec
		want string
	}{
		"path":    {elsewhere, "done"},
		"log":     {lastWords("printf failing; exit 1", corev1.TerminationMessageFallbackToLogsOnError), "failing"},
		"file":    {lastWords("printf said; printf written > /dev/termination-log", corev1.TerminationMessageFallbackToLogsOnError), "written"},
		"nothing": {lastWords("printf said", corev1.TerminationMessageFallbackToLogsOnError), ""},
	} {
		pod, _ := r.run(name, test.spec)
		if got := pod.Status.ContainerStatuses[0].State.Terminated.Message; got != test.want {
			r.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestExpectedStatuses(t *testing.T) {
	r := enter(t)
	script := "[ -e /note/been ] && exit 0; touch /note/been; exit 1"
	for name, test := range map[string]struct {
		policy   corev1.RestartPolicy
		phase    corev1.PodPhase
		restarts int32
	}{
		"always":     {corev1.RestartPolicyAlways, corev1.PodRunning, 2},
		"on-failure": {corev1.RestartPolicyOnFailure, corev1.PodSucceeded, 1},
		"never":      {corev1.RestartPolicyNever, corev1.PodFailed, 0},
	} {
		spec := sh(script)
		spec.RestartPolicy = test.policy
		spec.Volumes = []corev1.Volume{{Name: "note", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
		spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "note", MountPath: "/note"}}
		r.pod(name, spec)
		last := int32(0)
		r.awaitPod(name, func(p *corev1.Pod) bool {
			if len(p.Status.ContainerStatuses) == 0 {
				return false
			}
			n := p.Status.ContainerStatuses[0].RestartCount
			if n < last {
				r.Errorf("%s: %d restarts after %d", name, n, last)
			}
			last = n
			return n >= test.restarts && p.Status.Phase == test.phase
		})
	}
}

func TestCommandThatAlwaysFails(t *testing.T) {
	r := enter(t)
	r.pod("bad", sh("exit 1"))
	r.awaitPod("bad", func(p *corev1.Pod) bool {
		if len(p.Status.ContainerStatuses) == 0 {
			return false
		}
		s := p.Status.ContainerStatuses[0]
		ended := s.State.Terminated
		if ended == nil {
			ended = s.LastTerminationState.Terminated
		}
		return ended != nil && ended.Reason == "Error" && ended.ExitCode == 1
	})
	r.ok(r.pods().Delete(r.ctx, "bad", deleteNow))
	gone[*corev1.Pod](r, r.pods(), named("bad"))
}

func TestHostsFile(t *testing.T) {
	r := enter(t)
	spec := sh("cat /etc/hosts")
	spec.HostAliases = []corev1.HostAlias{{IP: "123.45.67.89", Hostnames: []string{"foo", "bar"}}}
	pod, out := r.run("aliases", spec)
	for _, want := range []string{"# Kubernetes-managed hosts file.", pod.Status.PodIP + "\taliases\n", "123.45.67.89\tfoo\tbar\n"} {
		if !strings.Contains(out, want) {
			r.Errorf("no %q in\n%s", want, out)
		}
	}
	// Of a pod on the node's own network too, and not over a mount of one's own.
	spec.HostNetwork = true
	r.said("host", spec, "# Kubernetes-managed hosts file (host network).", "123.45.67.89\tfoo\tbar\n")
	r.settings(map[string]string{"hosts": "mine\n"})
	spec = sh("cat /etc/hosts")
	spec.Volumes = []corev1.Volume{{Name: "own", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: settingsRef}}}}
	spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "own", MountPath: "/etc/hosts", SubPath: "hosts"}}
	if _, out := r.run("own", spec); out != "mine\n" {
		r.Errorf("with a mount of its own: %q", out)
	}
}

func secured(script string, edit func(*corev1.SecurityContext)) corev1.PodSpec {
	spec := sh(script)
	spec.Containers[0].SecurityContext = &corev1.SecurityContext{}
	edit(spec.Containers[0].SecurityContext)
	return spec
}

func TestSecurityContext(t *testing.T) {
	r := enter(t)
	type security = corev1.SecurityContext
	r.said("user", secured("id -u", func(s *security) { s.RunAsUser = new(int64(65534)) }), "65534\n")
	r.said("group", secured("id", func(s *security) { s.RunAsUser, s.RunAsGroup = new(int64(1001)), new(int64(2002)) }), "uid=1001", "gid=2002")
	ofPod := sh("id")
	ofPod.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64(1001)), RunAsGroup: new(int64(2002))}
	r.said("of-pod", ofPod, "uid=1001", "gid=2002")
	r.said("writable", secured("touch /note && echo written", func(s *security) { s.ReadOnlyRootFilesystem = new(false) }), "written\n")
	r.said("read-only", secured("touch /note || echo refused", func(s *security) { s.ReadOnlyRootFilesystem = new(true) }), "refused\n")
	r.said("no-new", secured("grep NoNewPrivs /proc/self/status", func(s *security) {
		s.RunAsUser, s.AllowPrivilegeEscalation = new(int64(1000)), new(false)
	}), "NoNewPrivs:\t1\n")
	r.said("unprivileged", secured("ip link add dummy0 type dummy || echo refused", func(s *security) { s.Privileged = new(false) }), "refused\n")
}

func TestSysctls(t *testing.T) {
	r := enter(t)
	spec := sh("cat /proc/sys/kernel/shm_rmid_forced")
	spec.SecurityContext = &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{{Name: "kernel.shm_rmid_forced", Value: "1"}}}
	r.said("shm", spec, "1\n")
	bad := sh("true")
	bad.SecurityContext = &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{{Name: "foo-", Value: "bar"}, {Name: "safe-and-unsafe", Value: "1"}, {Name: "bar..", Value: "42"}}}
	_, err := r.pods().Create(r.ctx, &corev1.Pod{ObjectMeta: r.meta("bad"), Spec: bad}, createNow)
	for _, want := range []string{`"foo-"`, `"bar.."`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			r.Errorf("no word on %s in: %v", want, err)
		}
	}
}
