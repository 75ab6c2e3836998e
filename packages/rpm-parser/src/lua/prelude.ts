/**
 * The part of rpm's Lua surroundings that is written in Lua: what reads files does so through the
 * evaluation's reader, and what would reach a process, the network or the clock says that it may not.
 */
export const luaPrelude = `
local host = ...
local function refuse(name)
  return function() error(name .. " is not available while a spec is evaluated", 2) end
end

dofile, loadfile, collectgarbage = nil, nil, nil
local function finish(...)
  if host.exhausted() then error("the script runs too long", 0) end
  return ...
end
local basic_pcall, basic_xpcall, basic_resume = pcall, xpcall, coroutine.resume
function pcall(...) return finish(basic_pcall(...)) end
function xpcall(...) return finish(basic_xpcall(...)) end
function coroutine.resume(...) return finish(basic_resume(...)) end
local basic_gmatch = string.gmatch
local basic_load = load
function load(chunk, name, mode, env)
  if env == nil then return basic_load(chunk, name, "t") end
  return basic_load(chunk, name, "t", env)
end

local basic_rep = string.rep
function string.rep(text, count, separator)
  if (#tostring(text) + #(separator or "")) * (tonumber(count) or 0) > 4194304 then
    error("resulting string too large", 2)
  end
  return basic_rep(text, count, separator)
end

-- Matching takes time that grows with the power of the repetitions that can take the same text.
local function guard(name)
  local basic = string[name]
  string[name] = function(text, pattern, ...)
    local repeated, most = {}, 0
    for item in basic_gmatch(tostring(pattern), "%%?[^%s][*+-]") do
      repeated[item] = (repeated[item] or 0) + 1
      most = math.max(most, repeated[item])
    end
    if most >= 8 or (most >= 5 and #tostring(text) > 200) then
      error("the pattern repeats too much", 2)
    end
    return basic(text, pattern, ...)
  end
end
guard("find")
guard("match")
guard("gsub")
guard("gmatch")

local function reader_of(text)
  local at = 1
  local file = {}
  local function line(keep)
    if at > #text then return nil end
    local stop = text:find("\\n", at, true)
    local found = text:sub(at, stop and (keep and stop or stop - 1) or #text)
    at = (stop or #text) + 1
    return found
  end
  function file:read(format)
    if type(format) == "number" then
      if at > #text then return nil end
      local found = text:sub(at, at + format - 1)
      at = at + format
      return found
    end
    format = tostring(format or "l"):gsub("^%*", "")
    if format:sub(1, 1) == "a" then
      local found = text:sub(at)
      at = #text + 1
      return found
    end
    local found = line(format:sub(1, 1) == "L")
    if format:sub(1, 1) == "n" then return tonumber(found) end
    return found
  end
  function file:lines() return function() return line(false) end end
  function file:close() return true end
  return file
end

io = {
  open = function(path, mode)
    if mode and not mode:match("^r") then return nil, path .. ": Permission denied", 13 end
    local text = host.read(path)
    if text == nil then return nil, path .. ": No such file or directory", 2 end
    return reader_of(text)
  end,
  popen = refuse("io.popen"),
  write = function(...) for _, text in ipairs({...}) do host.print(text) end end,
  stderr = { write = function() end },
}
function io.lines(path) return assert(io.open(path)):lines() end

os = {
  getenv = host.getenv,
  date = host.date,
  time = host.time,
  clock = function() return 0 end,
  execute = refuse("os.execute"),
  exit = refuse("os.exit"),
  remove = refuse("os.remove"),
  rename = refuse("os.rename"),
  tmpname = refuse("os.tmpname"),
}

package = { loaded = {}, path = "", cpath = "" }
function require(name)
  local found = package.loaded[name]
  if found ~= nil then return found end
  local path = rpm.expand("%{_rpmluadir}/") .. name:gsub("%.", "/")
  local text = host.read(path .. ".lua") or host.read(path .. "/init.lua")
  if text == nil then error("module '" .. name .. "' not found", 2) end
  local chunk, problem = basic_load(text, "@" .. path .. ".lua", "t")
  if chunk == nil then error(problem, 2) end
  local result = chunk(name)
  if result == nil then result = package.loaded[name] or true end
  package.loaded[name] = result
  return result
end

function print(...)
  local parts = {}
  for index = 1, select("#", ...) do parts[index] = tostring((select(index, ...))) end
  host.print(table.concat(parts, "\\t"))
end

rpm = {
  expand = host.expand,
  define = host.define,
  undefine = host.undefine,
  isdefined = host.isdefined,
  load = host.load,
  vercmp = host.vercmp,
  splitargs = host.splitargs,
  unsplitargs = host.unsplitargs,
  b64encode = host.b64encode,
  b64decode = host.b64decode,
  open = function(path, mode) return assert(io.open(path, (mode or "r"):sub(1, 1))) end,
  glob = function() return {} end,
  execute = refuse("rpm.execute"),
  spawn = refuse("rpm.spawn"),
  interactive = refuse("rpm.interactive"),
  redirect2null = refuse("rpm.redirect2null"),
  register = refuse("rpm.register"),
  unregister = refuse("rpm.unregister"),
  call = refuse("rpm.call"),
}

local version = {}
function version.__index(self, key)
  if key == "e" or key == "v" or key == "r" then return rawget(self, "_" .. key) end
  error("invalid attribute: " .. tostring(key), 2)
end
function version.__tostring(self)
  return (self.e and self.e .. ":" or "") .. self.v .. (self.r and "-" .. self.r or "")
end
function version.__eq(a, b) return host.evrcmp(tostring(a), tostring(b)) == 0 end
function version.__lt(a, b) return host.evrcmp(tostring(a), tostring(b)) < 0 end
function version.__le(a, b) return host.evrcmp(tostring(a), tostring(b)) <= 0 end
function rpm.ver(e, v, r)
  if v == nil then
    local text = e
    local epoch, rest = text:match("^(%d+):(.*)$")
    rest = rest or text
    local head, tail = rest:match("^(.*)-([^-]*)$")
    return setmetatable({ _e = epoch, _v = head or rest, _r = tail }, version)
  end
  return setmetatable({ _e = e and tostring(e), _v = tostring(v), _r = r and tostring(r) }, version)
end

macros = setmetatable({}, {
  __index = function(_, name)
    local defined, parametric = host.isdefined(name)
    if not defined then return nil end
    if not parametric then return host.expand("%{" .. name .. "}") end
    return function(argument)
      if type(argument) == "table" then return host.callmacro(name, argument) end
      if type(argument) ~= "string" and type(argument) ~= "number" then
        error("string or table expected", 2)
      end
      return host.expand("%{" .. name .. " " .. argument .. "}")
    end
  end,
  __newindex = function(_, name, body)
    if body == nil then host.undefine(name) else host.define(name .. " " .. body) end
  end,
})

posix = {
  getenv = host.getenv,
  access = function(path) return host.exists(path) and 0 or nil end,
  stat = function(path, what)
    if not host.exists(path) then return nil end
    if what == "type" then return "regular" end
    return { type = "regular" }
  end,
  uname = function(format)
    return ((format or "%s %n %r %v %m"):gsub("%%(.)", {
      s = "Linux", n = "localhost", r = "", v = "", m = host.expand("%{_host_cpu}"), ["%"] = "%",
    }))
  end,
  getcwd = function() return "/" end,
  files = function() return function() return nil end end,
  dir = function() return {} end,
}
setmetatable(posix, { __index = function(_, name) return refuse("posix." .. name) end })

sources, patches, source_nums, patch_nums = {}, {}, {}, {}
`;
