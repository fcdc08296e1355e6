"""files.*: the outer two of the three steps of an upload, asking about a file, and deleting one."""

from __future__ import annotations

from bot.demo.workspace.methods.call import Call, Method
from bot.demo.workspace.methods.chat import compose
from bot.demo.workspace.posts import Post
from bot.demo.workspace.refusal import Json, Refusal


def get_upload_url(call: Call) -> Json:
    """files.getUploadURLExternal."""
    length = call.number("length", 0)
    if length <= 0:
        raise Refusal("invalid_arguments", ["missing required field: length"])
    file = call.team.shelf.reserve(call.need("filename"), length, call.text("alt_txt") or "")
    return {"file_id": file.id, "upload_url": f"{call.team.base_url}/upload/v1/{file.id}"}


def complete_upload(call: Call) -> Json:
    """files.completeUploadExternal: with a channel the files are shared there."""
    named = call.structure("files", "invalid_arguments")
    if not isinstance(named, list) or not named:
        raise Refusal("invalid_arguments", ["missing required field: files"])
    files = [_complete(call, entry) for entry in named]
    channel_id = call.text("channel_id") or call.text("channels")
    if channel_id:
        _share(call, channel_id, files)
    return {"files": [call.team.shelf.find(file["id"]).as_slack(call.team.base_url) for file in files]}


def _complete(call: Call, entry: Json) -> Json:
    file = call.team.shelf.find(str(entry.get("id")))
    if not call.team.shelf.stored(file.id):
        raise Refusal("file_not_found")
    file.title = entry.get("title") or file.name
    return file.as_slack(call.team.base_url)


def _share(call: Call, channel_id: str, files: list[Json]) -> Post:
    channel, app = call.team.channel(channel_id), call.team.app
    if app.user_id not in channel.members:
        raise Refusal("not_in_channel")
    for file in files:
        call.team.shelf.find(file["id"]).shared_in.add(channel.id)
    if call.text("blocks"):
        post = compose(call, channel)
    else:
        post = Post(channel.id, call.team.timestamps.mint(), call.text("initial_comment") or "",
                    user=app.user_id, app=app)  # fmt: skip
    post.files, post.thread_ts = files, call.text("thread_ts")
    return call.team.post(post)


def describe(call: Call) -> Json:
    """files.info."""
    return {"file": call.team.shelf.find(call.need("file", "file_not_found")).as_slack(call.team.base_url)}


def delete(call: Call) -> Json:
    """files.delete."""
    call.team.shelf.drop(call.need("file", "file_not_found"))
    return {}


METHODS: dict[str, Method] = {
    "files.getUploadURLExternal": get_upload_url,
    "files.completeUploadExternal": complete_upload,
    "files.info": describe,
    "files.delete": delete,
}
