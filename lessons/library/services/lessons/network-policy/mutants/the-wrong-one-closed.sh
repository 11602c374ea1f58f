#!/bin/sh
# about: the policy is put on the pod that is to be kept away
# fails: only-till: A policy closes the pods that it selects
# fails: audit: A dash begins another way in
# fails: till-out: Before the first packet to db comes a question
sed -i 's/app: db/app: blog/' db.yaml
kubectl apply -f db.yaml
